/* target.c - URLs in one form
 *
 * What is asked about must be what is sent, and what the server then makes of it must not lead
 * elsewhere: so dot segments are resolved here, also encoded ones, and those that only appear
 * once slashes are decoded are refused.
 */
#include "base/assert.h"
#include "base/attr.h"
#include "client/private.h"
#include "http/uri.h"

#include <string.h>

/* Appends to `url` of a target; `full` sticks. */
struct writer {
	struct target *target;
	size_t len;
	bool full;
};

static slv_str put(struct writer *writer, slv_str text)
{
	char *at = writer->target->url + writer->len;
	if (text.len > CLIENT_URL_BYTES_MAX - writer->len) {
		writer->full = true;
		return (slv_str){ 0 };
	}
	if (text.len)
		memcpy(at, text.at, text.len);
	writer->len += text.len;
	return (slv_str){ at, text.len };
}

static void put_char(struct writer *writer, char c)
{
	put(writer, (slv_str){ &c, 1 });
}

/* --- paths --- */

/* What stands at the head of `text`, an escape being one character; `*ret_len` bytes. */
static char unit(slv_str text, size_t *ret_len)
{
	*ret_len = 1;
	if (text.at[0] != '%' || text.len < 3)
		return text.at[0];
	int high = slv_hex_value(text.at[1]), low = slv_hex_value(text.at[2]);
	if (high < 0 || low < 0)
		return text.at[0];
	*ret_len = 3;
	return (char)(high << 4 | low);
}

/* 1 for ".", 2 for "..", 0 for anything else. */
static unsigned dots_of(slv_str segment)
{
	unsigned dots = 0;
	while (segment.len && dots <= 2) {
		size_t len;
		if (unit(segment, &len) != '.')
			return 0;
		segment = slv_str_from_index(segment, len);
		dots++;
	}
	return dots <= 2 ? dots : 0;
}

/* RFC 3986 section 5.2.4. */
static void put_path(struct writer *writer, slv_str path)
{
	size_t floor = writer->len;
	slv_str rest = slv_str_from_index(path, 1);
	while (rest.at) {
		slv_str segment = slv_str_cut(&rest, '/');
		unsigned dots = dots_of(segment);
		while (dots == 2 && writer->len > floor)
			if (writer->target->url[--writer->len] == '/')
				break;
		if (!dots || !rest.at)
			put_char(writer, '/');
		if (!dots)
			put(writer, segment);
	}
}

/* A server that decodes slashes, or takes '\' for one, would see dot segments. */
static bool hides_dots(slv_str path)
{
	unsigned dots = 0;
	bool only_dots = false; /* in this segment, up to here */
	while (path.len) {
		size_t len;
		char c = unit(path, &len);
		if (c == '/' || c == '\\') {
			if (only_dots && dots && dots <= 2)
				return true;
			only_dots = true;
			dots = 0;
		} else if (c == '.') {
			dots++;
		} else {
			only_dots = false;
		}
		path = slv_str_from_index(path, len);
	}
	return only_dots && dots && dots <= 2;
}

/* --- the whole --- */

static slv_err bad(const char *what)
{
	return SLV_ERR(SLV_E_SOURCE, what);
}

static void put_host(struct writer *writer, const struct slv_uri *uri, const struct slv_host *host)
{
	struct target *target = writer->target;
	bool brackets = slv_str_find(host->name, ':') < host->name.len;
	bool secure = slv_str_eq(uri->scheme, SLV_STR("https"));
	uint16_t standard = secure ? 443 : 80;
	target->port = host->port ? host->port : standard;
	target->scheme = put(writer, uri->scheme);
	put(writer, SLV_STR("://"));
	if (brackets)
		put_char(writer, '[');
	char *at = target->url + writer->len;
	target->host = put(writer, host->name);
	for (size_t i = 0; i < target->host.len; i++)
		at[i] = slv_lower(at[i]);
	if (brackets)
		put_char(writer, ']');
	if (target->port == standard || writer->full)
		return;
	char digits[5];
	size_t len = 0;
	for (unsigned port = target->port; port; port /= 10)
		digits[len++] = (char)('0' + port % 10);
	put_char(writer, ':');
	while (len)
		put_char(writer, digits[--len]);
}

slv_err target_parse(slv_str url, struct target *ret_target)
{
	struct slv_uri uri;
	struct slv_host host;
	struct writer writer = { .target = ret_target };
	if (url.len > CLIENT_URL_BYTES_MAX)
		return bad("URL longer than 4096 bytes");
	if (slv_failed(slv_uri_parse(url, &uri)) || !uri.scheme.len ||
			slv_failed(slv_host_parse(uri.authority, &host)))
		return bad("no http or https URL without user information");
	if (slv_str_find(uri.path, '\\') < uri.path.len)
		return bad("URL with a backslash in its path");

	put_host(&writer, &uri, &host);
	size_t from = writer.len;
	put_path(&writer, uri.path);
	ret_target->path = (slv_str){ ret_target->url + from, writer.len - from };
	from = writer.len;
	if (uri.query.at) {
		put_char(&writer, '?');
		put(&writer, uri.query);
	}
	ret_target->query = (slv_str){ ret_target->url + from, writer.len - from };
	ret_target->url[writer.len] = 0;
	if (writer.full)
		return bad("URL longer than 4096 bytes");
	if (hides_dots(ret_target->path))
		return bad("URL with dot segments behind encoded slashes");
	return SLV_OK;
}

/* RFC 3986 section 3.1: a letter, then letters, digits, '+', '-', '.', up to ':'. */
static bool has_scheme(slv_str text)
{
	for (size_t i = 0; i < text.len; i++) {
		char low = slv_lower(text.at[i]);
		bool letter = low >= 'a' && low <= 'z';
		bool other = slv_is_digit(low) || low == '+' || low == '-' || low == '.';
		if (!letter && (i == 0 || !other))
			return i > 0 && low == ':';
	}
	return false;
}

/* As browsers do, take bytes that should have been encoded. False: a control byte. */
static bool put_location(struct slv_buf *buf, slv_str location)
{
	for (size_t i = 0; i < location.len; i++) {
		uint8_t c = (uint8_t)location.at[i];
		if (c < 0x20 || c == 0x7f)
			return false;
		if (c > 0x7e || c == ' ') {
			slv_buf_add_char(buf, '%');
			slv_buf_add_hex(buf, &c, 1);
		} else {
			slv_buf_add_char(buf, (char)c);
		}
	}
	return true;
}

/* What stands before a reference of that kind (section 5.2.2). */
static slv_str prefix_of(const struct target *base, slv_str location)
{
	size_t origin = (size_t)(base->path.at - base->url);
	size_t len = origin;
	if (slv_str_starts(location, SLV_STR("//")))
		len = base->scheme.len + 1;
	else if (!location.len)
		len = origin + base->path.len + base->query.len;
	else if (location.at[0] == '?')
		len = origin + base->path.len;
	else if (location.at[0] != '/')
		len = origin + slv_str_find_last(base->path, '/') + 1;
	return (slv_str){ base->url, len };
}

slv_err target_follow(const struct target *base, slv_str location, struct target *ret_target)
{
	struct slv_buf buf;
	slv_str rest = slv_str_trim(location);
	location = slv_str_cut(&rest, '#'); /* the fragment is for browsers */
	slv_buf_init(&buf, CLIENT_URL_BYTES_MAX);
	if (has_scheme(location)) {
		slv_str scheme = slv_str_head(location, slv_str_find(location, ':'));
		if (!slv_str_eq_nocase(scheme, SLV_STR("http")) &&
				!slv_str_eq_nocase(scheme, SLV_STR("https")))
			return SLV_ERR(SLV_E_DENIED, "redirected to neither http nor https");
	} else {
		slv_buf_add(&buf, prefix_of(base, location));
	}
	slv_err err;
	if (!put_location(&buf, location))
		err = SLV_ERR(SLV_E_UPSTREAM, "redirected to a URL with control bytes");
	else if (buf.overflow)
		err = SLV_ERR(SLV_E_UPSTREAM, "redirected to a URL longer than 4096 bytes");
	else if (slv_failed(err = target_parse(slv_buf_str(&buf), ret_target)))
		err.code = SLV_E_UPSTREAM;
	slv_buf_done(&buf);
	return err;
}
