#include "http/forwarded.h"

#include "http/token.h"
#include "http/uri.h"

/* --- the entries of all lines of a field, from the last to the first --- */

struct walk {
	const struct slv_fields *fields;
	enum slv_field_id id;
	uint32_t line; /* those below are still to come */
	slv_str rest;  /* of the line at hand; at == NULL when it is used up */
	unsigned hops; /* entries given */
};

static void walk_init(struct walk *walk, const struct slv_fields *fields, enum slv_field_id id)
{
	*walk = (struct walk){ .fields = fields, .id = id, .line = fields->count };
}

/* Quotes are paired from the right, and no backslash is looked at: so what the client wrote,
 * on the left, cannot swallow a comma or quote of a proxy behind it. */
static slv_str cut_last(slv_str *rest)
{
	bool quoted = false;
	size_t at = rest->len;
	while (at > 0 && (quoted || rest->at[at - 1] != ',')) {
		at--;
		if (rest->at[at] == '"')
			quoted = !quoted;
	}
	slv_str last = slv_str_from_index(*rest, at);
	*rest = at ? slv_str_head(*rest, at - 1) : (slv_str){ 0 };
	return slv_str_trim(last);
}

/* The next entry that is not empty; false at the end or after too many. */
static bool walk_next(struct walk *walk, slv_str *ret_entry)
{
	while (walk->hops < SLV_FORWARDED_HOPS_MAX) {
		while (!walk->rest.at) {
			if (walk->line == 0)
				return false;
			const struct slv_field *field = &walk->fields->at[--walk->line];
			if (field->id == walk->id)
				walk->rest = field->value;
		}
		slv_str entry = cut_last(&walk->rest);
		walk->hops++;
		if (entry.len) {
			*ret_entry = entry;
			return true;
		}
	}
	return false;
}

/* --- what an entry says --- */

struct entry {
	slv_str node, scheme, host; /* empty: not told */
};

static bool scheme_read(slv_str text, slv_str *ret_scheme)
{
	if (slv_str_eq_nocase(text, SLV_STR("https")))
		*ret_scheme = SLV_STR("https");
	else if (slv_str_eq_nocase(text, SLV_STR("http")))
		*ret_scheme = SLV_STR("http");
	else
		return false;
	return true;
}

static bool host_read(slv_str text, slv_str *ret_host)
{
	struct slv_host host;
	if (slv_failed(slv_host_parse(text, &host)))
		return false;
	*ret_host = text;
	return true;
}

/* The value at the head of `*rest`, a token or a quoted string, whose quotes are dropped. A
 * backslash is refused: no address, scheme or host needs one. */
static bool cut_value(slv_str *rest, slv_str *ret_value)
{
	size_t len = slv_token_len(*rest);
	slv_str value = slv_str_head(*rest, len);
	if (len == 0) {
		len = slv_token_quoted_len(*rest);
		if (len < 2)
			return false;
		value = slv_str_from_index(slv_str_head(*rest, len - 1), 1);
		if (slv_str_find(value, '\\') < value.len)
			return false;
	}
	*ret_value = value;
	*rest = slv_str_from_index(*rest, len);
	return true;
}

/* One name may stand once in an entry (RFC 7239 section 4). Names that we do not use, `by`
 * and extensions, must parse only. */
static bool entry_set(struct entry *entry, slv_str name, slv_str value)
{
	if (slv_str_eq_nocase(name, SLV_STR("for"))) {
		if (entry->node.at || value.len == 0)
			return false;
		entry->node = value;
	} else if (slv_str_eq_nocase(name, SLV_STR("proto"))) {
		return !entry->scheme.at && scheme_read(value, &entry->scheme);
	} else if (slv_str_eq_nocase(name, SLV_STR("host"))) {
		return !entry->host.at && host_read(value, &entry->host);
	}
	return true;
}

/* forwarded-element of RFC 7239 section 4. */
static bool entry_parse(slv_str text, struct entry *ret_entry)
{
	struct entry entry = { 0 };
	while (text.len) {
		slv_str name = slv_str_head(text, slv_token_len(text));
		slv_str value;
		text = slv_str_from_index(text, name.len);
		if (name.len == 0 || !slv_str_starts(text, SLV_STR("=")))
			return false;
		text = slv_str_from_index(text, 1);
		if (!cut_value(&text, &value) || !entry_set(&entry, name, value))
			return false;
		text = slv_token_skip_space(text);
		if (text.len == 0)
			break;
		if (text.at[0] != ';')
			return false;
		text = slv_token_skip_space(slv_str_from_index(text, 1));
	}
	*ret_entry = entry;
	return true;
}

/* A port, or the name of one ("_x", section 6.3), which counts as not known. */
static bool port_read(slv_str text, uint16_t *ret_port)
{
	uint64_t port = 0;
	if (slv_str_starts(text, SLV_STR("_")) && slv_token_len(text) == text.len)
		text = SLV_STR("0");
	if (text.len > 5 || !slv_str_u64(text, UINT16_MAX, &port))
		return false;
	*ret_port = (uint16_t)port;
	return true;
}

/* An address with or without a port. `bare_ok`: IPv6 may come without brackets, as it does
 * in X-Forwarded-For, and then has no port. */
static bool node_read(slv_str text, bool bare_ok, struct slv_addr *ret_addr)
{
	struct slv_addr addr;
	size_t end = slv_str_find(text, ':');
	if (slv_str_starts(text, SLV_STR("[")))
		end = slv_str_find(text, ']') + 1;
	else if (bare_ok && slv_str_find_last(text, ':') != end)
		end = text.len;
	if (!slv_addr_parse(slv_str_head(text, end), &addr))
		return false;

	slv_str rest = slv_str_from_index(text, end);
	if (rest.len) {
		if (rest.at[0] != ':' || !port_read(slv_str_from_index(rest, 1), &addr.port))
			return false;
	}
	*ret_addr = addr;
	return true;
}

/* --- the search --- */

static bool is_trusted(
		const struct slv_addr *addr, const struct slv_net *trusted, size_t trusted_count)
{
	for (size_t i = 0; i < trusted_count; i++)
		if (slv_net_has(&trusted[i], addr))
			return true;
	return false;
}

/* The last entry of a field that has one for each proxy, or one for all. */
static slv_str last_entry(const struct slv_fields *fields, enum slv_field_id id)
{
	struct walk walk;
	slv_str entry;
	walk_init(&walk, fields, id);
	return walk_next(&walk, &entry) ? entry : (slv_str){ 0 };
}

/* Scheme and host of the X family, which do not say which proxy wrote them. One that does not
 * parse is not told. */
static void find_x_told(const struct slv_fields *fields, struct slv_forwarded *found)
{
	scheme_read(last_entry(fields, SLV_FIELD_X_FORWARDED_PROTO), &found->scheme);
	host_read(last_entry(fields, SLV_FIELD_X_FORWARDED_HOST), &found->host);
}

/* Take over what an entry says that a trusted proxy wrote. False where the walk ends. */
static bool believe(struct slv_forwarded *found, slv_str text, enum slv_forwarded_family family)
{
	struct entry entry = { .node = text };
	if (family == SLV_FORWARDED_RFC && !entry_parse(text, &entry))
		return false;
	if (!found->scheme.len)
		found->scheme = entry.scheme;
	if (!found->host.len)
		found->host = entry.host;
	return node_read(entry.node, family == SLV_FORWARDED_X, &found->client);
}

void slv_forwarded_find(const struct slv_fields *fields, enum slv_forwarded_family family,
		const struct slv_addr *peer, const struct slv_net *trusted, size_t trusted_count,
		struct slv_forwarded *ret_forwarded)
{
	struct slv_forwarded found = { .client = *peer };
	struct walk walk;
	slv_str text;

	walk_init(&walk, fields,
			family == SLV_FORWARDED_X ? SLV_FIELD_X_FORWARDED_FOR
						  : SLV_FIELD_FORWARDED);
	if (family != SLV_FORWARDED_NONE && is_trusted(peer, trusted, trusted_count)) {
		if (family == SLV_FORWARDED_X)
			find_x_told(fields, &found);
		while (is_trusted(&found.client, trusted, trusted_count) &&
				walk_next(&walk, &text) && believe(&found, text, family))
			continue;
	}
	*ret_forwarded = found;
}
