/* check.c - is a configuration file right? */
#include "base/arena.h"
#include "main/commands.h"
#include "main/settings.h"

#include <stdio.h>

int command_check(int argc, char **argv)
{
	struct slv_arena arena;
	struct slv_conf *conf;
	if (argc != 1)
		return command_usage("check", "name one configuration file");
	slv_arena_init(&arena, SLV_KIB(16), SLV_MIB(16));
	slv_err err = settings_load(&arena, argv[0], &conf);
	if (slv_failed(err)) {
		fprintf(stderr, "%s\n", err.what);
		slv_arena_done(&arena);
		return 1;
	}
	printf("%s: good\n", argv[0]);
	slv_conf_free(conf);
	slv_arena_done(&arena);
	return 0;
}
