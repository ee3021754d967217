/* fuzz_target.c - a URL and what redirects make of it
 *
 * The first line is the URL, each further one a Location. What comes out must be what it claims
 * to be, to us and to curl, who connects by it.
 */
#include "base/assert.h"
#include "client/private.h"
#include "http/uri.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Curl must see the same host and port. It alone knows odd spellings of IPv4 addresses; those
 * are left to the look at the address. */
static void curl_agrees(const struct target *target)
{
	CURLU *url = curl_url();
	char *host = NULL, *port = NULL, *path = NULL;
	slv_assert(url);
	if (curl_url_set(url, CURLUPART_URL, target->url, CURLU_PATH_AS_IS) == CURLUE_OK) {
		slv_assert(curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK);
		slv_assert(curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) ==
				CURLUE_OK);
		slv_assert(curl_url_get(url, CURLUPART_PATH, &path, 0) == CURLUE_OK);
		slv_assert(strspn(host, "0123456789.") == strlen(host) || host[0] == '[' ||
				slv_str_eq(slv_str_from(host), target->host));
		uint64_t number = 0;
		slv_assert(slv_str_u64(slv_str_from(port), 65535, &number));
		slv_assert(number == target->port);
		slv_assert(slv_str_eq(slv_str_from(path), target->path));
	}
	curl_free(host);
	curl_free(port);
	curl_free(path);
	curl_url_cleanup(url);
}

static void look(const struct target *target)
{
	struct target again;
	struct slv_host host;
	slv_str url = slv_str_from(target->url);
	slv_assert(url.len <= CLIENT_URL_BYTES_MAX);
	slv_assert(!slv_failed(target_parse(url, &again)));
	slv_assert(strcmp(again.url, target->url) == 0);
	slv_assert(target->port != 0);
	slv_assert(slv_str_starts(target->path, SLV_STR("/")));
	slv_assert(!target->query.len || target->query.at[0] == '?');
	slv_assert(target->query.at + target->query.len == url.at + url.len);
	slv_assert(slv_str_find_str(target->path, SLV_STR("/../")) == target->path.len);
	slv_assert(slv_str_find_str(target->path, SLV_STR("/./")) == target->path.len);
	slv_assert(!slv_str_ends(target->path, SLV_STR("/..")));
	if (slv_str_find(target->host, ':') == target->host.len)
		slv_assert(!slv_failed(slv_host_parse(target->host, &host)));
	for (size_t i = 0; i < target->host.len; i++)
		slv_assert(target->host.at[i] == slv_lower(target->host.at[i]));
	curl_agrees(target);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct target targets[2];
	slv_str rest = { (const char *)data, size };
	if (slv_failed(target_parse(slv_str_cut(&rest, '\n'), &targets[0])))
		return 0;
	look(&targets[0]);
	for (unsigned i = 0; rest.at && i < 20; i++) {
		struct target *base = &targets[i % 2], *next = &targets[(i + 1) % 2];
		if (slv_failed(target_follow(base, slv_str_cut(&rest, '\n'), next)))
			return 0;
		look(next);
	}
	return 0;
}
