/* main.c - the commands */
#include "base/attr.h"
#include "main/commands.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "serve", command_serve },
	{ "check", command_check },
	{ "sign", command_sign },
	{ "purge", command_purge },
	{ "token", command_token },
	{ "store", command_store },
	{ "put", command_put },
	{ "import", command_import },
	{ "help", command_help },
	{ "--help", command_help },
	{ "-h", command_help },
	{ "version", command_version },
	{ "--version", command_version },
	{ "edge", command_edge },
};

bool command_option(int argc, char **argv, int *index, const char *name, slv_str *ret_value)
{
	slv_str word = slv_str_from(argv[*index]), wanted = slv_str_from(name);
	if (!slv_str_starts(word, wanted))
		return false;
	slv_str rest = slv_str_from_index(word, wanted.len);
	if (rest.len && rest.at[0] == '=') {
		*ret_value = slv_str_from_index(rest, 1);
		*index += 1;
		return true;
	}
	if (rest.len)
		return false;
	*ret_value = *index + 1 < argc ? slv_str_from(argv[*index + 1]) : SLV_STR("");
	*index += 2;
	return true;
}

int command_fail(const char *what)
{
	fprintf(stderr, "selvedge: %s\n", what);
	return 1;
}

int command_usage(const char *command, const char *what)
{
	fprintf(stderr, "selvedge %s: %s; see 'selvedge help %s'\n", command, what, command);
	return 2;
}

int main(int argc, char **argv)
{
	/* A peer that goes away shows as an error of the call that writes to it. */
	signal(SIGPIPE, SIG_IGN);
	if (argc < 2) {
		command_help(0, NULL);
		return 2;
	}
	for (size_t i = 0; i < SLV_COUNT(commands); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 2, argv + 2);
	fprintf(stderr, "selvedge: there is no command '%s'; see 'selvedge help'\n", argv[1]);
	return 2;
}
