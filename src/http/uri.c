#include "http/uri.h"

#include "base/attr.h"
#include "base/buf.h"
#include "http/addr.h"
#include "http/scan.h"

#include <string.h>

#define HOST_BYTES_MAX 253u /* RFC 1035 section 2.3.4, as text without the last dot */

static void split_path(slv_str text, struct slv_uri *uri)
{
	uri->path = slv_str_cut(&text, '?');
	uri->query = text;
}

/* The scheme in lower case; empty if it is none of ours. `*rest` becomes what is behind "://". */
static slv_str cut_scheme(slv_str *rest)
{
	static const slv_str schemes[] = { SLV_STR_INIT("http"), SLV_STR_INIT("https") };
	size_t len = slv_str_find_str(*rest, SLV_STR("://"));
	for (size_t i = 0; i < SLV_COUNT(schemes); i++) {
		if (len < rest->len && slv_str_eq_nocase(slv_str_head(*rest, len), schemes[i])) {
			*rest = slv_str_from_index(*rest, len + 3);
			return schemes[i];
		}
	}
	return (slv_str){ 0 };
}

static slv_err parse_absolute(slv_str target, struct slv_uri *ret_uri)
{
	struct slv_uri uri = { .scheme = cut_scheme(&target) };
	if (uri.scheme.len == 0)
		return SLV_ERR(SLV_E_SYNTAX, "request target is neither a path nor an http(s) URL");

	size_t len = 0;
	while (len < target.len && target.at[len] != '/' && target.at[len] != '?')
		len++;
	uri.authority = slv_str_head(target, len);

	struct slv_host host;
	slv_err err = slv_host_parse(uri.authority, &host); /* refuses user information too */
	if (slv_failed(err))
		return err;
	split_path(slv_str_from_index(target, len), &uri);
	if (uri.path.len == 0)
		uri.path = SLV_STR("/"); /* RFC 9110 section 4.2.3 */
	*ret_uri = uri;
	return SLV_OK;
}

slv_err slv_uri_parse(slv_str target, struct slv_uri *ret_uri)
{
	if (slv_scan_target(target.at, 0, target.len) != target.len)
		return SLV_ERR(SLV_E_SYNTAX, "request target holds a byte that must be encoded");
	if (slv_str_eq(target, SLV_STR("*"))) {
		*ret_uri = (struct slv_uri){ .path = target };
		return SLV_OK;
	}
	if (target.len == 0 || target.at[0] != '/')
		return parse_absolute(target, ret_uri);

	struct slv_uri uri = { 0 };
	split_path(target, &uri);
	*ret_uri = uri;
	return SLV_OK;
}

/* Letters, digits, '-' and '_' in labels that are not empty; one dot may end it. */
static bool host_name_ok(slv_str name)
{
	if (slv_str_ends(name, SLV_STR(".")))
		name.len--;
	if (name.len == 0 || name.len > HOST_BYTES_MAX)
		return false;
	char before = '.';
	for (size_t i = 0; i < name.len; i++) {
		char c = name.at[i], low = slv_lower(c);
		bool label = (low >= 'a' && low <= 'z') || slv_is_digit(c) || c == '-' || c == '_';
		if (!label && (c != '.' || before == '.'))
			return false;
		before = c;
	}
	return before != '.';
}

/* `text` is empty, or ':' and digits, or ':' alone (RFC 3986 section 3.2.3). */
static bool parse_port(slv_str text, uint16_t *ret_port)
{
	uint64_t port = 0;
	if (text.len && text.at[0] != ':')
		return false;
	slv_str digits = slv_str_from_index(text, 1);
	if (digits.len && (!slv_str_u64(digits, UINT16_MAX, &port) || port == 0))
		return false;
	*ret_port = (uint16_t)port;
	return true;
}

slv_err slv_host_parse(slv_str text, struct slv_host *ret_host)
{
	struct slv_host host;
	bool bracketed = slv_str_starts(text, SLV_STR("["));
	size_t end = slv_str_find(text, bracketed ? ']' : ':');
	struct slv_addr addr;
	bool ok;
	if (bracketed) {
		host.name = slv_str_from_index(slv_str_head(text, end), 1);
		slv_str rest = slv_str_from_index(text, end + 1);
		ok = end < text.len && slv_str_find(host.name, ':') < host.name.len &&
		     slv_addr_parse(host.name, &addr) && parse_port(rest, &host.port);
	} else {
		host.name = slv_str_head(text, end);
		ok = host_name_ok(host.name) &&
		     parse_port(slv_str_from_index(text, end), &host.port);
	}
	if (!ok)
		return SLV_ERR(SLV_E_SYNTAX, "host is neither a name nor an address");
	*ret_host = host;
	return SLV_OK;
}

/* Write what the escape at `*at` means, and step over it. False unless it is one. */
static bool decode_escape(slv_str text, size_t *at, char *ret_c)
{
	if (text.len - *at < 3)
		return false;
	int high = slv_hex_value(text.at[*at + 1]), low = slv_hex_value(text.at[*at + 2]);
	if (high < 0 || low < 0 || (high | low) == 0)
		return false;
	*ret_c = (char)(high << 4 | low);
	*at += 3;
	return true;
}

/* `refused` are the characters that an escape must not mean. */
static slv_err decode(struct slv_arena *arena, slv_str text, const char *refused, slv_str *ret_text)
{
	if (slv_str_find(text, '\0') < text.len)
		return SLV_ERR(SLV_E_SYNTAX, "an octet 0 in a URL");
	char *bytes = slv_arena_bytes(arena, text.len ? text.len : 1);
	if (!bytes)
		return SLV_ERR(SLV_E_LIMIT, "no memory to decode a URL");

	size_t len = 0, at = 0;
	while (at < text.len) {
		slv_str rest = slv_str_from_index(text, at);
		size_t plain = slv_str_find(rest, '%');
		memcpy(bytes + len, rest.at, plain);
		len += plain;
		at += plain;
		if (at == text.len)
			break;
		if (!decode_escape(text, &at, &bytes[len]))
			return SLV_ERR(SLV_E_SYNTAX,
					"'%' in a URL without two hexadecimal digits, or %00");
		if (strchr(refused, bytes[len]))
			return SLV_ERR(SLV_E_SYNTAX, "encoded '/' or '\\' in a path");
		len++;
	}
	*ret_text = (slv_str){ bytes, len };
	return SLV_OK;
}

slv_err slv_uri_decode(struct slv_arena *arena, slv_str text, slv_str *ret_text)
{
	return decode(arena, text, "", ret_text);
}

/* In place. The kernel does the same when it opens a file, so who compares paths must, too. */
static slv_str merge_slashes(slv_str path)
{
	char *bytes = (char *)(uintptr_t)path.at;
	size_t len = 0;
	for (size_t i = 0; i < path.len; i++)
		if (bytes[i] != '/' || len == 0 || bytes[len - 1] != '/')
			bytes[len++] = bytes[i];
	return slv_str_head(path, len);
}

slv_err slv_uri_decode_path(struct slv_arena *arena, slv_str path, slv_str *ret_path)
{
	if (slv_str_find(path, '\\') < path.len)
		return SLV_ERR(SLV_E_SYNTAX, "'\\' in a path");
	slv_str decoded;
	slv_err err = decode(arena, path, "/\\", &decoded);
	if (slv_failed(err))
		return err;

	slv_str rest = decoded;
	while (rest.at) {
		slv_str segment = slv_str_cut(&rest, '/');
		if (slv_str_eq(segment, SLV_STR(".")) || slv_str_eq(segment, SLV_STR("..")))
			return SLV_ERR(SLV_E_SYNTAX, "segment '.' or '..' in a path");
	}
	*ret_path = merge_slashes(decoded);
	return SLV_OK;
}

static bool is_unreserved(char c)
{
	char low = slv_lower(c);
	return (low >= 'a' && low <= 'z') || slv_is_digit(c) || c == '-' || c == '.' || c == '_' ||
	       c == '~';
}

void slv_uri_encode(struct slv_buf *buf, slv_str text, slv_str keep)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t from = 0;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];
		if (is_unreserved(c) || slv_str_find(keep, c) < keep.len)
			continue;
		slv_buf_add(buf, slv_str_from_index(slv_str_head(text, i), from));
		char escape[] = { '%', digits[(uint8_t)c >> 4], digits[(uint8_t)c & 15] };
		slv_buf_add(buf, (slv_str){ escape, sizeof(escape) });
		from = i + 1;
	}
	slv_buf_add(buf, slv_str_from_index(text, from));
}
