/* fd.h - descriptors that close with their scope */
#ifndef SLV_BASE_FD_H
#define SLV_BASE_FD_H

/* For SLV_CLEANUP: close `*fd` unless it is negative, and make it -1. */
void slv_fd_done(int *fd);

/* Pass the descriptor on: `*fd` becomes -1 and the caller owns the result. */
int slv_fd_take(int *fd);

#endif
