/* sign.c - `selvedge sign`: links that the service of the same settings will accept */
#include "service/image/sign.h"

#include "conf/conf.h"
#include "http/uri.h"
#include "main/commands.h"
#include "service/image/srcset.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define LINK_BYTES_MAX SLV_KIB(256)
#define ARENA_BYTES_MAX SLV_MIB(1)
#define SECRET_BYTES_MAX 1024u /* as the setting signing.keys.secret */
#define FOR_S_DEFAULT 3600u

/* The kinds of links. */
enum { EXP = 1, TIMED = 2, SET = 4, SRCSET = 8, ANY = EXP | TIMED | SET | SRCSET };

struct sign {
	slv_str key_text, origin, span, until, base64url, timed, set, widths, formats, srcset,
			sizes, alt, route;
	slv_str path;
	unsigned kind;
	struct slv_image_sign_key key;
	uint64_t now_s, exp_s;
	bool avif, webp;
	const char *wrong; /* the words are not understood */
	struct slv_arena arena;
};

#define AT(member) offsetof(struct sign, member)

/* Options. The text of one that was not given has no bytes at all. */
static const struct {
	const char *name;
	size_t offset;  /* of its text */
	unsigned kinds; /* that it means something to */
	unsigned makes; /* the kind that it chooses, or 0 */
	bool alone;     /* there is no value behind it */
} options[] = {
	{ "--key", AT(key_text), ANY, 0, false },
	{ "--origin", AT(origin), ANY, 0, false },
	{ "--for", AT(span), ANY & ~TIMED, 0, false },
	{ "--until", AT(until), ANY & ~TIMED, 0, false },
	{ "--timed", AT(timed), TIMED, TIMED, true },
	{ "--base64url", AT(base64url), TIMED, 0, true },
	{ "--set", AT(set), SET, SET, true },
	{ "--widths", AT(widths), SET, 0, false },
	{ "--srcset", AT(srcset), SRCSET, SRCSET, false },
	{ "--formats", AT(formats), SET | SRCSET, 0, false },
	{ "--sizes", AT(sizes), SRCSET, 0, false },
	{ "--alt", AT(alt), SRCSET, 0, false },
	{ "--route", AT(route), SET | SRCSET, 0, false },
};

static slv_str *text_of(struct sign *sign, size_t option)
{
	return (slv_str *)(void *)((char *)sign + options[option].offset);
}

static void refuse(struct sign *sign, slv_str why)
{
	sign->wrong = why.at ? why.at : "the words are too long";
}

/* --- words --- */

static bool take_option(struct sign *sign, int argc, char **argv, int *index)
{
	for (size_t i = 0; i < SLV_COUNT(options); i++) {
		slv_str value = SLV_STR(""), *text = text_of(sign, i);
		if (options[i].alone && strcmp(argv[*index], options[i].name) == 0)
			++*index;
		else if (options[i].alone ||
				!command_option(argc, argv, index, options[i].name, &value))
			continue;
		if (text->at)
			refuse(sign, slv_str_printf(&sign->arena, "%s is there twice",
						     options[i].name));
		*text = value;
		return true;
	}
	return false;
}

static void read_words(struct sign *sign, int argc, char **argv)
{
	for (int i = 0; i < argc && !sign->wrong;) {
		slv_str word = slv_str_from(argv[i]);
		if (take_option(sign, argc, argv, &i))
			continue;
		i++;
		if (slv_str_starts(word, SLV_STR("/")) && !sign->path.len)
			sign->path = word;
		else
			sign->wrong = "a word that is no option and no path";
	}
}

/* Which kind of link is asked for; every other option must mean something to it. */
static void find_kind(struct sign *sign)
{
	const char *name = "a link without --timed, --set and --srcset";
	sign->kind = EXP;
	for (size_t i = 0; i < SLV_COUNT(options); i++) {
		if (!options[i].makes || !text_of(sign, i)->at)
			continue;
		if (sign->kind != EXP)
			sign->wrong = "--timed, --set and --srcset are different kinds of links: "
				      "choose one";
		sign->kind = options[i].makes;
		name = options[i].name;
	}
	for (size_t i = 0; i < SLV_COUNT(options) && !sign->wrong; i++)
		if (text_of(sign, i)->at && !(options[i].kinds & sign->kind))
			refuse(sign, slv_str_printf(&sign->arena, "%s means nothing to %s",
						     options[i].name, name));
	if (!sign->route.at)
		sign->route = SLV_STR("/cdn-cgi/image/");
}

/* --- values --- */

/* A secret on a command line is seen by every process of the machine, so it may be elsewhere. */
static void read_key(struct sign *sign)
{
	slv_str value = sign->key_text, *secret = &sign->key.secret;
	sign->key.name = slv_str_cut(&value, ':');
	if (!sign->key.name.len) {
		sign->wrong = "--key NAME:SECRET is missing";
		return;
	}
	slv_err err = slv_conf_secret(&sign->arena, &sign->arena, value, "", secret);
	if (slv_failed(err))
		sign->wrong = err.what;
	else if (secret->len < 1 || secret->len > SECRET_BYTES_MAX ||
			memchr(secret->at, '\0', secret->len))
		sign->wrong = "--key is NAME:SECRET, NAME:env:VARIABLE or NAME:file:PATH, and the "
			      "secret has 1 to 1024 bytes without NUL";
}

static void read_time(struct sign *sign)
{
	uint64_t number = FOR_S_DEFAULT;
	if (sign->span.at && sign->until.at) {
		sign->wrong = "--for and --until both tell the end: choose one";
		return;
	}
	slv_str value = sign->until.at ? sign->until : sign->span;
	if (value.at && !slv_str_u64(value, SLV_IMAGE_EXP_MAX - sign->now_s, &number))
		sign->wrong = "--for and --until take seconds";
	sign->exp_s = sign->until.at ? number : sign->now_s + number;
}

/* Those of a <picture>; a set has any, which its signing checks. */
static void read_formats(struct sign *sign)
{
	for (slv_str rest = sign->formats; rest.at && sign->kind == SRCSET;) {
		slv_str name = slv_str_cut(&rest, ',');
		if (slv_str_eq(name, SLV_STR("avif")))
			sign->avif = true;
		else if (slv_str_eq(name, SLV_STR("webp")))
			sign->webp = true;
		else if (!slv_str_eq(name, SLV_STR("auto"))) /* which is always there */
			sign->wrong = "--formats of a --srcset are auto, avif and webp";
	}
}

static bool is_printable(slv_str text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] <= ' ' || text.at[i] > '~')
			return false;
	return true;
}

/* A link that no client can send, or that no server would route, is not made. */
static void check_path(struct sign *sign)
{
	struct slv_uri uri;
	slv_str decoded;
	if (!sign->path.len)
		sign->wrong = "a path that begins with '/' is missing";
	else if (!is_printable(sign->path))
		sign->wrong = "the path has a space, a control character or a byte past ASCII: "
			      "percent-encode it, as %20";
	else if (!is_printable(sign->origin) || !is_printable(sign->route))
		sign->wrong = "--origin and --route have no spaces, control characters and bytes "
			      "past ASCII";
	if (sign->wrong)
		return;
	slv_err err = slv_uri_parse(sign->path, &uri);
	if (!slv_failed(err))
		err = slv_uri_decode_path(&sign->arena, uri.path, &decoded);
	if (slv_failed(err))
		refuse(sign, slv_str_printf(&sign->arena, "no server takes the path: %s",
					     err.what));
}

static void read_values(struct sign *sign)
{
	static void (*const reads[])(struct sign *) = { find_kind, read_key, read_time,
		read_formats, check_path };
	for (size_t i = 0; i < SLV_COUNT(reads) && !sign->wrong; i++)
		reads[i](sign);
}

/* --- links --- */

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

static slv_err make_srcset(
		const struct sign *sign, slv_str options_text, slv_str source, struct slv_buf *link)
{
	struct slv_image_picture picture = {
		.origin = sign->origin,
		.route = sign->route,
		.options = options_text,
		.source = source,
		.widths = sign->srcset,
		.sizes = sign->sizes,
		.alt = sign->alt,
		.avif = sign->avif,
		.webp = sign->webp,
		.exp_s = sign->exp_s,
	};
	return slv_image_srcset_print(&sign->key, &picture, link);
}

static slv_err make(const struct sign *sign, struct slv_buf *link)
{
	struct slv_image_target target = { 0 };
	slv_str source;
	bool on_route = split_path(sign, &target, &source); /* two kinds sign any path */
	if (!on_route && (sign->kind & (SET | SRCSET)))
		return SLV_ERR(SLV_E_OPTION, "--set and --srcset need a path as "
					     "<route><options>/<source>");
	if (sign->kind == SRCSET)
		return make_srcset(sign, target.options, source, link);

	enum slv_image_mac_form form =
			sign->base64url.at ? SLV_IMAGE_MAC_BASE64URL : SLV_IMAGE_MAC_BASE64;
	slv_err err;
	slv_buf_add(link, sign->origin);
	if (sign->kind == TIMED)
		err = slv_image_sign_timed(&sign->key, &target, sign->now_s, form, link);
	else if (sign->kind == SET)
		err = slv_image_sign_set(&sign->key, &target, sign->widths, sign->formats,
				sign->exp_s, link);
	else
		err = slv_image_sign_exp(&sign->key, &target, sign->exp_s, link);
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
	struct sign sign = { .now_s = (uint64_t)time(NULL) };
	slv_arena_init(&sign.arena, SLV_KIB(4), ARENA_BYTES_MAX);
	read_words(&sign, argc, argv);
	if (!sign.wrong)
		read_values(&sign);
	int status = sign.wrong ? command_usage("sign", sign.wrong) : print(&sign);
	slv_arena_done(&sign.arena);
	return status;
}
