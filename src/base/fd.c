#include "base/fd.h"

#include <unistd.h>

void slv_fd_done(int *fd)
{
	/* Nothing can be done about a failing close, and the descriptor is gone either way. */
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

int slv_fd_take(int *fd)
{
	int taken = *fd;
	*fd = -1;
	return taken;
}
