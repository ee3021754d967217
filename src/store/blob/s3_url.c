#include "store/blob/s3.h"

#include <string.h>

#define HOST_BYTES_MAX 260
#define NAME_BYTES_MAX 128 /* of a key id or region */
#define PREFIX_BYTES_MAX 256

/* 1 to `max` letters, digits and characters of `more`. */
static bool is_word(slv_str text, size_t max, const char *more)
{
	if (!text.at || text.len == 0 || text.len > max)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char c = slv_lower(text.at[i]);
		if (!slv_is_digit(c) && (c < 'a' || c > 'z') && (!c || !strchr(more, c)))
			return false;
	}
	return true;
}

/* A name or an address, in brackets if it is IPv6, and perhaps a port. */
static bool is_host(slv_str text)
{
	uint64_t port;
	slv_str name = text, rest = { 0 };
	if (text.len > HOST_BYTES_MAX)
		return false;
	if (slv_str_starts(text, SLV_STR("["))) {
		size_t end = slv_str_find(text, ']');
		if (end >= text.len)
			return false;
		name = (slv_str){ text.at + 1, end - 1 };
		rest = slv_str_from_index(text, end + 1);
		if (!is_word(name, HOST_BYTES_MAX, ":.") || (rest.len && rest.at[0] != ':'))
			return false;
		rest = rest.len ? slv_str_from_index(rest, 1) : (slv_str){ 0 };
	} else {
		rest = text;
		name = slv_str_cut(&rest, ':');
		if (!is_word(name, HOST_BYTES_MAX, ".-"))
			return false;
	}
	return !rest.at || (slv_str_u64(rest, 65535, &port) && port > 0);
}

/* Empty, or names between single slashes. */
static bool is_prefix(slv_str text)
{
	slv_str rest = text;
	while (text.len && rest.at) {
		slv_str name = slv_str_cut(&rest, '/');
		if (!is_word(name, PREFIX_BYTES_MAX, "._-") || slv_str_eq(name, SLV_STR(".")) ||
				slv_str_eq(name, SLV_STR("..")))
			return false;
	}
	return text.len <= PREFIX_BYTES_MAX;
}

static slv_err option_read(slv_str name, slv_str value, struct s3_url *url)
{
	if (slv_str_eq(name, SLV_STR("region"))) {
		url->region = value;
		return is_word(value, NAME_BYTES_MAX, "-")
		                       ? SLV_OK
		                       : SLV_ERR(SLV_E_SYNTAX,
							 "region= is letters, digits and '-'");
	}
	if (slv_str_eq(name, SLV_STR("tls"))) {
		url->plain = slv_str_eq(value, SLV_STR("false"));
		return url->plain || slv_str_eq(value, SLV_STR("true"))
		                       ? SLV_OK
		                       : SLV_ERR(SLV_E_SYNTAX, "tls= is true or false");
	}
	if (slv_str_eq(name, SLV_STR("ca"))) {
		url->ca = value;
		return slv_str_starts(value, SLV_STR("/"))
		                       ? SLV_OK
		                       : SLV_ERR(SLV_E_SYNTAX, "ca= is a file, from the root on");
	}
	return SLV_ERR(SLV_E_SYNTAX, "options of s3:// are region, tls and ca");
}

slv_err s3_url_read(slv_str url, struct s3_url *ret_url)
{
	struct s3_url read = { .region = SLV_STR("us-east-1") };
	if (!slv_str_starts(url, SLV_STR("s3://")))
		return SLV_ERR(SLV_E_SYNTAX, "it does not begin with s3://");
	slv_str options = slv_str_from_index(url, 5), path = slv_str_cut(&options, '?');
	slv_str host = slv_str_cut(&path, '/');
	read.key_id = slv_str_cut(&host, '@');
	read.host = host;
	read.bucket = path.at ? slv_str_cut(&path, '/') : path;
	read.prefix = path;
	if (!is_word(read.key_id, NAME_BYTES_MAX, "._-") || !host.at)
		return SLV_ERR(SLV_E_SYNTAX,
				"s3://KEY_ID@HOST/BUCKET: a key id of letters, digits, "
				"'.', '_' and '-' stands before the '@'");
	if (!is_host(read.host))
		return SLV_ERR(SLV_E_SYNTAX, "s3://KEY_ID@HOST/BUCKET: that is no host, with or "
					     "without a port");
	if (!is_word(read.bucket, 63, "._-") || read.bucket.len < 3)
		return SLV_ERR(SLV_E_SYNTAX, "s3://KEY_ID@HOST/BUCKET: a bucket has 3 to 63 "
					     "letters, digits, '.', '_' and '-'");
	if (!is_prefix(read.prefix))
		return SLV_ERR(SLV_E_SYNTAX, "s3://…/BUCKET/PREFIX: at most 256 letters, digits, "
					     "'.', '_' and '-', between single slashes");
	while (options.at) {
		slv_str value = slv_str_cut(&options, '&'), name = slv_str_cut(&value, '=');
		slv_err err = option_read(name, value, &read);
		if (slv_failed(err))
			return err;
	}
	*ret_url = read;
	return SLV_OK;
}
