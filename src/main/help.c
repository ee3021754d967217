/* help.c - what people can ask of the program */
#include "api/tokens.h"
#include "base/buf.h"
#include "main/commands.h"
#include "main/services.h"
#include "main/settings.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *command, *line, *text;
} topics[] = {
	{ "serve", "run the edge",
			"selvedge serve [--config FILE]\n\n"
			"Serve what FILE says; without one the current folder, on 127.0.0.1:8080.\n"
			"SIGHUP reads FILE and the certificates anew without losing a request,\n"
			"SIGTERM finishes what runs and ends; a second SIGINT ends at once.\n" },
	{ "check", "is a configuration right?",
			"selvedge check FILE\n\n"
			"Prints each mistake as FILE:line:column: what is wrong and what would be "
			"right.\n" },
	{ "sign", "make signed links to pictures",
			"selvedge sign --key NAME:SECRET [--for SECONDS | --until UNIX] PATH\n"
			"selvedge sign --key NAME:SECRET --timed [--base64url] PATH\n"
			"selvedge sign --key NAME:SECRET --set [--widths 320,640] [--formats "
			"auto,avif]\n"
			"              [--for SECONDS | --until UNIX] [--route ROUTE] PATH\n"
			"selvedge sign --key NAME:SECRET --srcset 320,640,960 [--formats "
			"auto,avif,webp]\n"
			"              [--sizes TEXT] [--alt TEXT] [--for SECONDS | --until "
			"UNIX]\n"
			"              [--route ROUTE] PATH\n\n"
			"PATH is as /cdn-cgi/image/width=640/samples/cat.jpg, with what has no "
			"place in a\n"
			"URL percent-encoded; --origin https://HOST is put before what is "
			"printed.\n"
			"SECRET may be env:NAME or file:PATH. Links are good for an hour unless "
			"told.\n"
			"--set prints one link whose signature holds for all of those widths and "
			"formats:\n"
			"PATH has one of them as width= and format=, and whoever has the link may "
			"put\n"
			"another one there. --srcset prints a <picture> element of such links; its "
			"PATH\n"
			"has neither. --route tells those two a route other than "
			"/cdn-cgi/image/.\n" },
	{ "purge", "forget what is cached",
			"selvedge purge [--admin HOST:PORT] [--token TOKEN] URL\n"
			"selvedge purge [...] [--host HOST] PATH\n"
			"selvedge purge [...] [--host HOST] --source PATH\n"
			"selvedge purge [...] --all\n\n"
			"One URL, a source with every picture made of it, or everything. The site "
			"is "
			"that of\n"
			"the URL's host or of HOST; where neither is told, all sites are purged. "
			"TOKEN may\n"
			"be in SELVEDGE_ADMIN_TOKEN. An admin listener with TLS is asked with "
			"curl:\n"
			"  curl --json '{\"source\": \"/samples/cat.jpg\"}' "
			"https://HOST:PORT/purge\n" },
	{ "token", "make API tokens, and take them back",
			"selvedge token create --name NAME [--allow GROUP[:BUCKET[/PREFIX]]]...\n"
			"                      [--for SECONDS] [--config FILE]\n"
			"selvedge token list [--config FILE]\n"
			"selvedge token roll ID [--config FILE]\n"
			"selvedge token disable ID | enable ID | delete ID [--config FILE]\n\n"
			"Goes to the store that FILE says, whether the server runs or not: so who "
			"has lost\n"
			"every token can make another. GROUP is a permission group by its name or "
			"id, as\n"
			"`selvedge help api` has them; without one the token may do everything. "
			"The value,\n"
			"and the S3 key that goes with it, are shown once. roll gives a token "
			"another\n"
			"value. Run it as the user whom the server runs as.\n" },
	{ "store", "check, scrub, back up or restore what lasts",
			"selvedge store check [--config FILE | --data FOLDER] [--repair]\n"
			"                     [--orphan-age SECONDS]\n"
			"selvedge store scrub [...] [--rate-mb N]\n"
			"selvedge store backup [--config FILE | --data FOLDER] FOLDER\n"
			"selvedge store restore [--config FILE | --data FOLDER] FOLDER\n\n"
			"The store is that of the configuration FILE, or what is in the folders "
			"maps and\n"
			"blobs of the data FOLDER. A server may be running, but for restore.\n\n"
			"check reads all rows, and looks whether each blob that one of them names "
			"is\n"
			"there. Blobs that no row names and that were last written more than a day "
			"ago\n"
			"(or SECONDS) are orphans; --repair removes them, and notes for the server "
			"what\n"
			"parts of uploads nothing names. scrub reads all blobs, too, at most N MiB "
			"a\n"
			"second.\n"
			"backup makes FOLDER the same as the store, and can be run again to go on, "
			"or to\n"
			"bring it up to date. restore writes FOLDER into a store that is empty. "
			"What is\n"
			"in SQLite and what is in PostgreSQL can be restored into the other.\n\n"
			"Exit status: 0 all is good, 1 damage was found or it failed, 2 words that "
			"are\n"
			"not understood.\n" },
	{ "put", "upload pictures to the image store",
			"selvedge put [--api URL] [--token TOKEN] [--account ID] [--prefix "
			"PREFIX]\n"
			"             [--private] [--jobs N] FILE...\n\n"
			"A picture's id is the name of its file behind PREFIX. What the account "
			"has already\n"
			"is left out, so that the command can be run again. A line is printed for "
			"each: its\n"
			"file, its id and its link. --private: it is seen with signed links only.\n"
			"URL is where the API is, as http://127.0.0.1:8081, or in SELVEDGE_API; "
			"TOKEN (also\n"
			"env:NAME or file:PATH) needs Images Write, or is in SELVEDGE_TOKEN. N "
			"(4) are\n"
			"uploaded at once.\n\n"
			"Exit status: 0 all are there, 1 some are not, 2 words that are not "
			"understood.\n" },
	{ "import", "upload a folder or a bucket to the image store",
			"selvedge import [--api URL] [--token TOKEN] [--account ID] [--prefix "
			"PREFIX]\n"
			"                [--private] [--jobs N] FOLDER\n"
			"selvedge import [...] [--endpoint URL] [--region REGION] "
			"s3://BUCKET[/PREFIX]\n\n"
			"As put, of all pictures below FOLDER or PREFIX; ids are their paths from "
			"there.\n"
			"What is no picture is counted and left out, as are hidden files. The "
			"bucket's keys\n"
			"are in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, its endpoint may be "
			"in\n"
			"AWS_ENDPOINT_URL; REGION is auto unless told.\n" },
	{ "help", "this, a command, `help config`, `help api`",
			"selvedge help [COMMAND | config | api]\n\n"
			"`help config` lists every setting with its type, bounds, default and "
			"meaning;\n"
			"`help config --markdown` prints the same for docs/configuration.md.\n"
			"`help api` lists every call of the API, with the permission group that "
			"its\n"
			"token needs.\n" },
	{ "version", "which version this is", "selvedge version\n" },
};

static int help_config(bool markdown)
{
	struct slv_buf text;
	slv_buf_init(&text, SLV_MIB(1));
	if (markdown)
		slv_conf_help_markdown(settings_keys, &text);
	else
		slv_conf_help(settings_keys, &text);
	printf("%.*s", SLV_FMT(slv_buf_str(&text)));
	slv_buf_done(&text);
	return 0;
}

/* What a token needs for a call. */
static const char *need_of(const struct slv_api_call *call)
{
	if (call->right < SLV_API_RIGHT_COUNT)
		return slv_api_rights[call->right].name;
	return call->right == SLV_API_OPEN        ? "no token"
	       : call->right == SLV_API_OWN_TOKEN ? "a token of its own"
	       : call->right == SLV_API_BY_PATH   ? "a secret in its path"
	                                          : "any token";
}

static void print_calls(const struct slv_api_group *group)
{
	for (const struct slv_api_call *call = group->calls; call->path; call++)
		printf("%-7.*s%-56s %s\n", SLV_FMT(slv_method_name(call->method)), call->path,
				need_of(call));
}

static int help_api(void)
{
	printf("Below " SLV_API_PREFIX ", on the admin listener. A ':' stands for an id (the\n"
	       "first one is the account's), a '*' for a key; behind them is the permission\n"
	       "group that a token needs.\n\n");
	print_calls(&slv_api_tokens);
	for (size_t i = 0; services_api_groups[i]; i++)
		print_calls(services_api_groups[i]);
	return 0;
}

static int help_all(void)
{
	printf("selvedge - an edge platform that you run yourself\n\n");
	for (size_t i = 0; i < SLV_COUNT(topics); i++)
		printf("  selvedge %-8s %s\n", topics[i].command, topics[i].line);
	printf("\nStart with `selvedge serve`; read `selvedge help config`.\n");
	return 0;
}

int command_help(int argc, char **argv)
{
	if (argc == 0)
		return help_all();
	if (strcmp(argv[0], "config") == 0)
		return help_config(argc > 1 && strcmp(argv[1], "--markdown") == 0);
	if (strcmp(argv[0], "api") == 0)
		return help_api();
	for (size_t i = 0; i < SLV_COUNT(topics); i++) {
		if (strcmp(argv[0], topics[i].command) != 0)
			continue;
		printf("%s", topics[i].text);
		return 0;
	}
	fprintf(stderr, "selvedge: there is no help on '%s'\n", argv[0]);
	return 2;
}

int command_version(int argc, char **argv)
{
	(void)argv;
	if (argc)
		return command_usage("version", "it takes no arguments");
	printf("selvedge %s\n", SLV_VERSION);
	return 0;
}
