/* fuzz_forwarded.c - nobody but a trusted proxy decides who asked
 *
 * The first byte chooses the family; the rest is the value of the field, one line a line of
 * it. Trusted are 10/8 and fd00::/8.
 */
#include "base/assert.h"
#include "base/attr.h"
#include "http/forwarded.h"
#include "http/uri.h"

#include <string.h>

#define LINES_MAX 8u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct slv_net trusted[] = {
	{ .ip = { [10] = 0xff, [11] = 0xff, [12] = 10 }, .bits = 104 },
	{ .ip = { 0xfd }, .bits = 8 },
};

static const struct slv_addr proxy = {
	.ip = { [10] = 0xff, [11] = 0xff, [12] = 10, [15] = 1 }, .port = 4000, .known = true
};
static const struct slv_addr stranger = {
	.ip = { 0x20, 0x01, [15] = 1 }, .port = 4000, .known = true
};

static bool is_same(const struct slv_addr *a, const struct slv_addr *b)
{
	return a->known == b->known && a->port == b->port &&
	       memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

static bool is_trusted(const struct slv_addr *addr)
{
	return slv_net_has(&trusted[0], addr) || slv_net_has(&trusted[1], addr);
}

static struct slv_forwarded find(const struct slv_fields *fields, enum slv_forwarded_family family,
		const struct slv_addr *peer)
{
	struct slv_forwarded found;
	slv_forwarded_find(fields, family, peer, trusted, SLV_COUNT(trusted), &found);
	slv_assert(found.client.known);
	slv_assert(found.scheme.len == 0 || slv_str_eq(found.scheme, SLV_STR("http")) ||
			slv_str_eq(found.scheme, SLV_STR("https")));
	struct slv_host host;
	if (found.host.len)
		slv_assert(!slv_failed(slv_host_parse(found.host, &host)));
	return found;
}

/* A client that is reached through proxies is the same whatever line stands before. */
static void check_line_before(struct slv_fields *fields, enum slv_forwarded_family family,
		enum slv_field_id id, const struct slv_forwarded *found)
{
	static const slv_str lines[] = { SLV_STR_INIT("6.6.6.6"), SLV_STR_INIT("for=6.6.6.6"),
		SLV_STR_INIT("for=\"6.6.6.6"), SLV_STR_INIT("\"\\"), SLV_STR_INIT(", ,\",") };
	for (size_t i = 0; i < SLV_COUNT(lines); i++) {
		fields->at[0] = (struct slv_field){ .value = lines[i], .id = id };
		struct slv_forwarded again = find(fields, family, &proxy);
		slv_assert(is_same(&again.client, &found->client));
		if (family == SLV_FORWARDED_RFC) {
			slv_assert(slv_str_eq(again.scheme, found->scheme));
			slv_assert(slv_str_eq(again.host, found->host));
		}
	}
}

/* The same text before the value of the first line, in the same line. */
static void check_text_before(struct slv_fields *fields, enum slv_forwarded_family family,
		const struct slv_forwarded *found)
{
	static const char before[] = "for=6.6.6.6;x=\"y, 6.6.6.6, \"\\,";
	char text[1024];
	slv_str value = fields->at[1].value;
	if (value.len > sizeof(text) - sizeof(before))
		return;
	memcpy(text, before, sizeof(before) - 1);
	if (value.len)
		memcpy(text + sizeof(before) - 1, value.at, value.len);
	fields->at[1].value = (slv_str){ text, sizeof(before) - 1 + value.len };
	struct slv_forwarded again = find(fields, family, &proxy);
	slv_assert(is_same(&again.client, &found->client));
	fields->at[1].value = value;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	bool x = data[0] & 1;
	enum slv_forwarded_family family = x ? SLV_FORWARDED_X : SLV_FORWARDED_RFC;
	enum slv_field_id id = x ? SLV_FIELD_X_FORWARDED_FOR : SLV_FIELD_FORWARDED;
	slv_str rest = { (const char *)data + 1, size - 1 };

	/* Place 0 is for the line before; until then it is of another name. */
	struct slv_field at[LINES_MAX + 1] = { { .id = SLV_FIELD_OTHER } };
	struct slv_fields fields = { .at = at, .count = 1, .cap = SLV_COUNT(at) };
	while (rest.at && fields.count < fields.cap)
		at[fields.count++] =
				(struct slv_field){ .value = slv_str_cut(&rest, '\n'), .id = id };

	struct slv_forwarded found = find(&fields, family, &stranger);
	slv_assert(is_same(&found.client, &stranger) && !found.scheme.len && !found.host.len);
	found = find(&fields, SLV_FORWARDED_NONE, &proxy);
	slv_assert(is_same(&found.client, &proxy) && !found.scheme.len && !found.host.len);
	found = find(&fields, family, &proxy);
	if (is_trusted(&found.client))
		return 0;
	check_text_before(&fields, family, &found);
	check_line_before(&fields, family, id, &found);
	return 0;
}
