/* fuzz_freshness.c - what an origin says of a source, in any words
 *
 * The first byte chooses the settings, the rest is lines of fields. Beside the bounds, what is
 * added to a reply must have its meaning whatever else the reply says.
 */
#include "base/assert.h"
#include "service/image/freshness.h"

#include <string.h>

#define TEXT_BYTES_MAX 4096u
#define NOW_S 784111777

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct slv_image_ttl settings[] = { { 100, 10, 1000 }, { 5, 60, 60 },
	{ 14400, 0, 31536000 }, { 0, 0, 0 } };

struct reply {
	struct slv_arena arena;
	struct slv_fields fields;
};

static void add(struct reply *reply, slv_str name, slv_str value)
{
	slv_assert(!slv_failed(slv_fields_add(&reply->fields, name, value)));
}

static void add_lines(struct reply *reply, slv_str text)
{
	while (text.len) {
		slv_str line = slv_str_cut(&text, '\n'), name = slv_str_cut(&line, ':');
		if (name.len)
			add(reply, name, slv_str_trim(line));
	}
}

static bool same(struct slv_image_freshness a, struct slv_image_freshness b)
{
	return a.ttl_s == b.ttl_s && a.private_data == b.private_data &&
	       a.never_stale == b.never_stale;
}

/* A 304 that says nothing leaves all as it was, but is young. */
static void check_empty_304(const struct slv_image_said *said, const struct slv_image_ttl *ttl,
		struct slv_image_freshness fresh)
{
	struct slv_fields none;
	struct slv_arena arena;
	struct slv_image_said kept = *said;
	slv_arena_init(&arena, SLV_KIB(1), SLV_KIB(1));
	slv_fields_init(&none, &arena);
	struct slv_image_freshness after = slv_image_freshness_read(&none, ttl, NOW_S, &kept);
	slv_arena_done(&arena);
	fresh.ttl_s = after.ttl_s;
	slv_assert(same(after, fresh) && memcmp(&kept, said, sizeof(kept)) == 0);
}

/* What a reply says with a field `before` its lines, and one behind them. Either may be NULL. */
static struct slv_image_freshness said_by(slv_str text, const struct slv_image_ttl *ttl,
		const char *before, const char *after)
{
	struct reply reply;
	slv_arena_init(&reply.arena, SLV_KIB(16), SLV_MIB(4));
	slv_fields_init(&reply.fields, &reply.arena);
	if (before)
		add_lines(&reply, slv_str_from(before));
	add_lines(&reply, text);
	if (after)
		add_lines(&reply, slv_str_from(after));
	struct slv_image_said said = SLV_IMAGE_UNSAID;
	struct slv_image_freshness fresh =
			slv_image_freshness_read(&reply.fields, ttl, NOW_S, &said);
	check_empty_304(&said, ttl, fresh);
	slv_arena_done(&reply.arena);
	slv_assert(fresh.ttl_s >= ttl->least_s && fresh.ttl_s <= ttl->most_s);
	return fresh;
}

static uint32_t clamped(const struct slv_image_ttl *ttl, uint64_t ttl_s)
{
	return ttl_s < ttl->least_s  ? ttl->least_s
	       : ttl_s > ttl->most_s ? ttl->most_s
	                             : (uint32_t)ttl_s;
}

/* A directive behind all others. */
static void check_added(
		slv_str text, const struct slv_image_ttl *ttl, struct slv_image_freshness fresh)
{
	static const char *const secrets[] = { "Cache-Control: private",
		"cache-control: x, NO-STORE", "Cache-Control: private=\"a, b\"" };
	struct slv_image_freshness expected = fresh;
	expected.private_data = true;
	for (size_t i = 0; i < SLV_COUNT(secrets); i++)
		slv_assert(same(said_by(text, ttl, NULL, secrets[i]), expected));

	expected = fresh;
	expected.never_stale = true;
	slv_assert(same(said_by(text, ttl, NULL, "Cache-Control: must-revalidate"), expected));
	slv_assert(same(said_by(text, ttl, "Cache-Control: Proxy-Revalidate", NULL), expected));
	expected.ttl_s = ttl->least_s;
	slv_assert(same(said_by(text, ttl, NULL, "Cache-Control: a=\"b\",no-cache"), expected));
	slv_assert(same(said_by(text, ttl, NULL, "X-Other: private, no-store, max-age=7"), fresh));
	slv_assert(same(said_by(text, ttl, NULL, "Cache-Control: a=\"private, no-cache\""), fresh));
}

/* A number before all others. */
static void check_first(
		slv_str text, const struct slv_image_ttl *ttl, struct slv_image_freshness fresh)
{
	struct slv_image_freshness first = said_by(text, ttl, "Cache-Control: s-maxage=0", NULL);
	slv_assert(first.ttl_s == ttl->least_s && first.private_data == fresh.private_data);
	/* Nothing of what comes behind it makes it longer; but no-cache, Age and Date shorter. */
	first = said_by(text, ttl, "Cache-Control: s-maxage=500", NULL);
	slv_assert(first.ttl_s <= clamped(ttl, 500));
	first = said_by(text, ttl,
			"Date: Sun, 06 Nov 1994 08:49:37 GMT\nAge: 0\nCache-Control: s-maxage=500",
			NULL);
	slv_assert(first.ttl_s == clamped(ttl, 500) || first.ttl_s == ttl->least_s);
	/* As old as can be. */
	first = said_by(text, ttl, "Age: 99999999999\nCache-Control: max-age=99999999999", NULL);
	slv_assert(first.ttl_s == ttl->least_s);
	slv_assert(said_by(text, ttl, "Age: 7", NULL).ttl_s <=
			said_by(text, ttl, "Age: 6", NULL).ttl_s);
}

static bool is_cache_control(slv_str line)
{
	return slv_str_eq_nocase(slv_str_cut(&line, ':'), SLV_STR("cache-control"));
}

/* Said by a reader that knows nothing of quotes, of lines without any. */
static void check_private(slv_str text, struct slv_image_freshness fresh)
{
	bool says = false, may_say = false;
	while (text.len) {
		slv_str line = slv_str_cut(&text, '\n');
		if (!is_cache_control(line))
			continue;
		slv_str rest = line;
		(void)slv_str_cut(&rest, ':');
		bool quoted = slv_str_find(line, '"') < line.len;
		may_say |= quoted;
		while (rest.at) {
			slv_str part = slv_str_cut(&rest, ','),
				name = slv_str_trim(slv_str_cut(&part, '='));
			bool secret = slv_str_eq_nocase(name, SLV_STR("private")) ||
			              slv_str_eq_nocase(name, SLV_STR("no-store"));
			says |= secret && !quoted;
			may_say |= secret;
		}
	}
	slv_assert(!says || fresh.private_data);
	slv_assert(may_say || !fresh.private_data);
}

/* Names of fields and directives have no case. */
static void check_case(
		slv_str text, const struct slv_image_ttl *ttl, struct slv_image_freshness fresh)
{
	char upper[TEXT_BYTES_MAX];
	size_t len = 0;
	while (text.len) {
		slv_str line = slv_str_cut(&text, '\n');
		bool control = is_cache_control(line);
		for (size_t i = 0; i < line.len; i++) {
			char c = line.at[i];
			upper[len++] = control && c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
		}
		if (text.at)
			upper[len++] = '\n';
	}
	slv_assert(same(said_by((slv_str){ upper, len }, ttl, NULL, NULL), fresh));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size || size > TEXT_BYTES_MAX)
		return 0;
	const struct slv_image_ttl *ttl = &settings[data[0] % SLV_COUNT(settings)];
	slv_str text = { (const char *)data + 1, size - 1 };
	struct slv_image_freshness fresh = said_by(text, ttl, NULL, NULL);
	check_added(text, ttl, fresh);
	check_first(text, ttl, fresh);
	check_private(text, fresh);
	check_case(text, ttl, fresh);
	return 0;
}
