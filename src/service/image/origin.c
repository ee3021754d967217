#include "http/uri.h"
#include "service/image/private.h"

static uint16_t port_of(slv_str scheme, uint16_t port)
{
	return port ? port : slv_str_eq(scheme, SLV_STR("https")) ? 443 : 80;
}

static slv_err bad(struct slv_arena *arena, slv_str text, const char *why)
{
	return slv_err_printf(arena, SLV_E_OPTION, "origin '%.*s' %s", SLV_FMT(text), why);
}

static slv_err prepare(struct slv_arena *arena, slv_str text, struct image_origin *ret_origin)
{
	struct slv_uri uri;
	struct slv_host host;
	size_t star = slv_str_find_str(text, SLV_STR("://*."));
	/* A star is no part of a host; what it stands before is. */
	slv_str plain = text;
	if (star < text.len) {
		plain = slv_str_printf(arena, "%.*s%.*s", SLV_FMT(slv_str_head(text, star + 3)),
				SLV_FMT(slv_str_from_index(text, star + 5)));
		if (!plain.at)
			return SLV_ERR(SLV_E_LIMIT, "too many origins");
	}
	if (slv_failed(slv_uri_parse(plain, &uri)) || !uri.scheme.len ||
			slv_failed(slv_host_parse(uri.authority, &host)) || uri.query.at)
		return bad(arena, text, "is none; write https://host/path/ or https://*.host/");
	if (uri.path.len && !slv_str_ends(uri.path, SLV_STR("/")))
		return bad(arena, text, "must end with '/'");
	for (size_t i = 0; i < host.name.len; i++)
		if (host.name.at[i] != slv_lower(host.name.at[i]))
			return bad(arena, text, "must be in lower case");
	*ret_origin = (struct image_origin){ .scheme = uri.scheme,
		.host = host.name,
		.below = star < text.len,
		.port = port_of(uri.scheme, host.port),
		.path = uri.path.len ? uri.path : SLV_STR("/") };
	return SLV_OK;
}

slv_err image_origins_prepare(struct slv_arena *arena, const struct slv_conf_list *texts,
		struct image_origin **ret_origins, size_t *ret_count)
{
	const slv_str *text = texts->at;
	struct image_origin *origins = SLV_NEW_ARRAY(arena, struct image_origin, texts->count);
	if (!origins)
		return SLV_ERR(SLV_E_LIMIT, "too many origins");
	for (size_t i = 0; i < texts->count; i++) {
		slv_err err = prepare(arena, text[i], &origins[i]);
		if (slv_failed(err))
			return err;
	}
	*ret_origins = origins;
	*ret_count = texts->count;
	return SLV_OK;
}

static bool host_fits(const struct image_origin *origin, slv_str host)
{
	if (!origin->below)
		return slv_str_eq(host, origin->host);
	return host.len > origin->host.len + 1 && slv_str_ends(host, origin->host) &&
	       host.at[host.len - origin->host.len - 1] == '.';
}

bool image_origin_allows(const struct image_origin *origins, size_t count, slv_str scheme,
		slv_str host, uint16_t port, slv_str path)
{
	for (size_t i = 0; i < count; i++)
		if (slv_str_eq(scheme, origins[i].scheme) && host_fits(&origins[i], host) &&
				port_of(scheme, port) == origins[i].port &&
				slv_str_starts(path, origins[i].path))
			return true;
	return false;
}
