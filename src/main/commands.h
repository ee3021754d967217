/* commands.h - what can be typed behind `selvedge`
 *
 * Each takes the arguments behind its name and returns the exit status: 0, 1 for a failure, 2 for
 * words that are not understood.
 */
#ifndef SLV_MAIN_COMMANDS_H
#define SLV_MAIN_COMMANDS_H

#include "base/str.h"

int command_serve(int argc, char **argv);
int command_edge(int argc, char **argv); /* started by serve, not by people */
int command_check(int argc, char **argv);
int command_help(int argc, char **argv);
int command_sign(int argc, char **argv);
int command_purge(int argc, char **argv);
int command_token(int argc, char **argv);
int command_store(int argc, char **argv);
int command_put(int argc, char **argv);
int command_import(int argc, char **argv);
int command_version(int argc, char **argv);

/* An option as `--name value` or `--name=value` at argv[*index]; true and its value if it is the
 * one named. Moves *index behind it. A missing value gives an empty one. */
bool command_option(int argc, char **argv, int *index, const char *name, slv_str *ret_value);

/* Say to standard error what is wrong; returns 1. */
int command_fail(const char *what);

/* Likewise that the words are not understood, and which help to read; returns 2. */
int command_usage(const char *command, const char *what);

#endif
