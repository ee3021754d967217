/* sign.c - `selvedge sign`: links that the service of the same settings will accept */
#include "service/image/sign.h"

#include "conf/conf.h"
#include "main/commands.h"
#include "service/image/srcset.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define LINK_BYTES_MAX SLV_KIB(256)
#define ARENA_BYTES_MAX SLV_KIB(256)
#define SECRET_BYTES_MAX 1024u /* as the setting signing.keys.secret */
#define FOR_S_DEFAULT 3600u

struct sign {
	struct slv_image_sign_key key;
	uint64_t now_s, exp_s;
	bool timed, base64url;
	slv_str srcset, formats, sizes, alt, origin, route, path;
	const char *wrong; /* the words are not understood */
	struct slv_arena arena;
};

/* A secret on a command line is seen by every process of the machine, so it may be elsewhere. */
static void take_key(struct sign *sign, slv_str value)
{
	slv_str *secret = &sign->key.secret;
	sign->key.name = slv_str_cut(&value, ':');
	slv_err err = slv_conf_secret(&sign->arena, &sign->arena, value, "", secret);
	if (slv_failed(err))
		sign->wrong = err.what;
	else if (secret->len < 1 || secret->len > SECRET_BYTES_MAX ||
			memchr(secret->at, '\0', secret->len))
		sign->wrong = "--key is NAME:SECRET, NAME:env:VARIABLE or NAME:file:PATH, and the "
			      "secret has 1 to 1024 bytes without NUL";
}

static void take_time(struct sign *sign, slv_str value, bool is_span)
{
	uint64_t number;
	if (!slv_str_u64(value, SLV_IMAGE_EXP_MAX - sign->now_s, &number))
		sign->wrong = "--for and --until take seconds";
	else
		sign->exp_s = is_span ? sign->now_s + number : number;
}

static bool take_option(struct sign *sign, int argc, char **argv, int *index)
{
	slv_str value;
	const struct {
		const char *name;
		slv_str *ret;
	} texts[] = {
		{ "--srcset", &sign->srcset },
		{ "--formats", &sign->formats },
		{ "--sizes", &sign->sizes },
		{ "--alt", &sign->alt },
		{ "--origin", &sign->origin },
		{ "--route", &sign->route },
	};
	for (size_t i = 0; i < SLV_COUNT(texts); i++)
		if (command_option(argc, argv, index, texts[i].name, texts[i].ret))
			return true;
	if (command_option(argc, argv, index, "--key", &value))
		take_key(sign, value);
	else if (command_option(argc, argv, index, "--for", &value))
		take_time(sign, value, true);
	else if (command_option(argc, argv, index, "--until", &value))
		take_time(sign, value, false);
	else
		return false;
	return true;
}

static void read_words(struct sign *sign, int argc, char **argv)
{
	for (int i = 0; i < argc && !sign->wrong;) {
		slv_str word = slv_str_from(argv[i]);
		if (take_option(sign, argc, argv, &i))
			continue;
		i++;
		if (slv_str_eq(word, SLV_STR("--timed")))
			sign->timed = true;
		else if (slv_str_eq(word, SLV_STR("--base64url")))
			sign->base64url = true;
		else if (slv_str_starts(word, SLV_STR("/")) && !sign->path.len)
			sign->path = word;
		else
			sign->wrong = "a word that is no option and no path";
	}
	if (!sign->wrong && !sign->key.name.len)
		sign->wrong = "--key NAME:SECRET is missing";
	if (!sign->wrong && !sign->path.len)
		sign->wrong = "a path that begins with '/' is missing";
}

/* The options segment of a path on the route, and what is behind it. */
static bool split_path(
		const struct sign *sign, struct slv_image_target *target, slv_str *ret_source)
{
	slv_str rest = sign->path;
	target->path = slv_str_cut(&rest, '?');
	target->query = rest;
	if (!slv_str_starts(target->path, sign->route))
		return false;
	slv_str behind = slv_str_from_index(target->path, sign->route.len);
	size_t slash = slv_str_find(behind, '/');
	target->options = slv_str_head(behind, slash);
	*ret_source = slv_str_from_index(sign->path, sign->route.len + slash);
	return slash < behind.len;
}

static slv_err sign_srcset(const struct sign *sign, struct slv_buf *link)
{
	struct slv_image_target target;
	struct slv_image_picture picture = {
		.origin = sign->origin,
		.route = sign->route,
		.widths = sign->srcset,
		.sizes = sign->sizes,
		.alt = sign->alt,
		.avif = slv_str_find_str(sign->formats, SLV_STR("avif")) < sign->formats.len,
		.webp = slv_str_find_str(sign->formats, SLV_STR("webp")) < sign->formats.len,
		.exp_s = sign->exp_s,
	};
	if (!split_path(sign, &target, &picture.source))
		return SLV_ERR(SLV_E_OPTION, "--srcset needs a path as <route><options>/<source>");
	picture.options = target.options;
	return slv_image_srcset_print(&sign->key, &picture, link);
}

static slv_err make(const struct sign *sign, struct slv_buf *link)
{
	struct slv_image_target target = { 0 };
	slv_str source;
	if (sign->srcset.len)
		return sign_srcset(sign, link);
	(void)split_path(sign, &target, &source); /* the other schemes sign any path */
	slv_buf_add(link, sign->origin);
	slv_err err = sign->timed ? slv_image_sign_timed(&sign->key, &target, sign->now_s,
						    sign->base64url ? SLV_IMAGE_MAC_BASE64URL
								    : SLV_IMAGE_MAC_BASE64,
						    link)
	                          : slv_image_sign_exp(&sign->key, &target, sign->exp_s, link);
	slv_buf_add_char(link, '\n');
	return err;
}

static int print(const struct sign *sign)
{
	struct slv_buf link;
	slv_buf_init(&link, LINK_BYTES_MAX);
	slv_err err = make(sign, &link);
	if (!slv_failed(err) && link.overflow)
		err = SLV_ERR(SLV_E_LIMIT, "the links are longer than 256 KiB");
	if (!slv_failed(err))
		printf("%.*s", SLV_FMT(slv_buf_str(&link)));
	slv_buf_done(&link);
	return slv_failed(err) ? command_fail(err.what) : 0;
}

int command_sign(int argc, char **argv)
{
	struct sign sign = { .now_s = (uint64_t)time(NULL), .route = SLV_STR("/cdn-cgi/image/") };
	sign.exp_s = sign.now_s + FOR_S_DEFAULT;
	slv_arena_init(&sign.arena, SLV_KIB(4), ARENA_BYTES_MAX);
	read_words(&sign, argc, argv);
	int status = sign.wrong ? command_usage("sign", sign.wrong) : print(&sign);
	slv_arena_done(&sign.arena);
	return status;
}
