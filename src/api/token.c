#include "api/token.h"

#include "base/assert.h"
#include "base/attr.h"
#include "base/digest.h"
#include "http/date.h"

#include <string.h>
#include <zlib.h>

#define ACCOUNT_RESOURCE "com.cloudflare.api.account."
#define BUCKET_RESOURCE "com.cloudflare.edge.r2.bucket."
#define JURISDICTION "_default_"
#define CHECKSUM_DIGITS 6 /* of base 62: enough for 32 bits */

static const char digits62[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

const struct slv_api_right_info slv_api_rights[SLV_API_RIGHT_COUNT] = {
#define X(name, id, text, scope, brings)                                                           \
	[SLV_API_##name] = { id, text, SLV_API_OF_##scope, brings },
	SLV_API_RIGHTS(X)
#undef X
};

/* --- values --- */

static void checksum(slv_str text, char ret_digits[static CHECKSUM_DIGITS])
{
	uLong crc = crc32(0, (const Bytef *)text.at, (uInt)text.len);
	for (size_t i = CHECKSUM_DIGITS; i-- > 0; crc /= 62)
		ret_digits[i] = digits62[crc % 62];
}

void slv_api_value_print(slv_str id, const uint8_t random[static 40],
		char ret_value[static SLV_API_VALUE_BYTES])
{
	const size_t secret_at = 4 + SLV_API_ID_BYTES + 1, sum_at = secret_at + 40;
	slv_assert(id.len == SLV_API_ID_BYTES);
	memcpy(ret_value, "slv_", 4);
	memcpy(ret_value + 4, id.at, id.len);
	ret_value[secret_at - 1] = '_';
	/* 256 is no multiple of 62: some letters come a little more often, which leaves 5.9 bits
	 * each, 237 in all. */
	for (size_t i = 0; i < 40; i++)
		ret_value[secret_at + i] = digits62[random[i] % 62];
	checksum((slv_str){ ret_value, sum_at }, ret_value + sum_at);
}

bool slv_api_value_parse(slv_str value, slv_str *ret_id)
{
	char sum[CHECKSUM_DIGITS];
	uint8_t id[SLV_API_ID_BYTES / 2];
	if (value.len != SLV_API_VALUE_BYTES || !slv_str_starts(value, SLV_STR("slv_")) ||
			value.at[4 + SLV_API_ID_BYTES] != '_')
		return false;
	slv_str named = slv_str_head(slv_str_from_index(value, 4), SLV_API_ID_BYTES);
	checksum(slv_str_head(value, value.len - CHECKSUM_DIGITS), sum);
	if (!slv_str_unhex(named, id, sizeof(id)) ||
			memcmp(value.at + value.len - CHECKSUM_DIGITS, sum, CHECKSUM_DIGITS) != 0)
		return false;
	*ret_id = named;
	return true;
}

void slv_api_value_secret(slv_str value, char ret_secret[static SLV_API_SECRET_BYTES])
{
	static const char hex[] = "0123456789abcdef";
	struct slv_digest digest = slv_sha256(&value, 1);
	for (size_t i = 0; i < sizeof(digest.bytes); i++) {
		ret_secret[2 * i] = hex[digest.bytes[i] >> 4];
		ret_secret[2 * i + 1] = hex[digest.bytes[i] & 15];
	}
}

/* --- records: what a client says --- */

static slv_str text_of(const json_t *value)
{
	if (!json_is_string(value))
		return (slv_str){ 0 };
	return (slv_str){ json_string_value(value), json_string_length(value) };
}

static slv_str member(const json_t *object, const char *name)
{
	return text_of(json_object_get(object, name));
}

static const struct slv_api_right_info *right_of(const json_t *group)
{
	slv_str id = member(group, "id"), name = member(group, "name");
	for (size_t i = 0; i < SLV_API_RIGHT_COUNT; i++) {
		const struct slv_api_right_info *info = &slv_api_rights[i];
		if (id.at ? slv_str_eq(id, slv_str_from(info->id))
			  : slv_str_eq(name, slv_str_from(info->name)))
			return info;
	}
	return NULL;
}

/* What a resource's name means. */
static bool resource_read(slv_str account, slv_str name, struct slv_api_resource *ret_resource)
{
	const slv_str of_account = SLV_STR(ACCOUNT_RESOURCE), of_bucket = SLV_STR(BUCKET_RESOURCE);
	if (slv_str_starts(name, of_account)) {
		slv_str which = slv_str_from_index(name, of_account.len);
		*ret_resource = (struct slv_api_resource){ .what = SLV_API_RESOURCE_ACCOUNT };
		return slv_str_eq(which, account) || slv_str_eq(which, SLV_STR("*"));
	}
	if (!slv_str_starts(name, of_bucket))
		return false;
	slv_str rest = slv_str_from_index(name, of_bucket.len);
	if (slv_str_eq(rest, SLV_STR("*"))) {
		*ret_resource = (struct slv_api_resource){ .what = SLV_API_RESOURCE_BUCKET,
			.bucket = SLV_STR("*") };
		return true;
	}
	if (!slv_str_starts(rest, account))
		return false;
	rest = slv_str_from_index(rest, account.len);
	if (!slv_str_starts(rest, SLV_STR(JURISDICTION)))
		return false;
	rest = slv_str_from_index(rest, sizeof(JURISDICTION) - 1);
	*ret_resource = (struct slv_api_resource){ .what = SLV_API_RESOURCE_BUCKET,
		.bucket = rest };
	return rest.len > 0;
}

/* "*" for all of it or, of a bucket, {"prefix*": "*", …} for keys that begin so. */
static bool reach_is_ok(const struct slv_api_resource *resource, json_t *reach)
{
	const char *name;
	json_t *value;
	if (slv_str_eq(text_of(reach), SLV_STR("*")))
		return true;
	if (resource->what != SLV_API_RESOURCE_BUCKET || !json_is_object(reach) ||
			json_object_size(reach) == 0)
		return false;
	json_object_foreach(reach, name,
			value) if (!slv_str_ends(slv_str_from(name), SLV_STR("*")) ||
				   !slv_str_eq(text_of(value), SLV_STR("*"))) return false;
	return true;
}

static slv_err resources_check(
		struct slv_arena *arena, slv_str account, json_t *resources, bool *ret_of_account)
{
	const char *name;
	json_t *reach;
	size_t count = 0;
	if (!json_is_object(resources) || json_object_size(resources) == 0)
		return SLV_ERR(SLV_E_SYNTAX, "policies: resources is an object with one or more");
	*ret_of_account = false;
	json_object_foreach(resources, name, reach)
	{
		struct slv_api_resource resource;
		if (!resource_read(account, slv_str_from(name), &resource))
			return slv_err_printf(arena, SLV_E_SYNTAX,
					"policies: no such resource: %.200s", name);
		if (!reach_is_ok(&resource, reach))
			return slv_err_printf(arena, SLV_E_SYNTAX,
					"policies: resource %.200s: say \"*\"", name);
		*ret_of_account |= resource.what == SLV_API_RESOURCE_ACCOUNT;
		count += json_is_object(reach) ? json_object_size(reach) : 1;
	}
	if (count > SLV_API_RESOURCES_MAX)
		return SLV_ERR(SLV_E_LIMIT, "policies: more than 50 resources in one");
	return SLV_OK;
}

/* The groups of a policy as they are kept: id and name. */
static slv_err groups_check(
		struct slv_arena *arena, const json_t *said, bool of_account, json_t *ret_groups)
{
	size_t index;
	json_t *group;
	if (!json_is_array(said) || json_array_size(said) == 0)
		return SLV_ERR(SLV_E_SYNTAX,
				"policies: permission_groups is a list of one or more");
	if (json_array_size(said) > SLV_API_RIGHT_COUNT)
		return SLV_ERR(SLV_E_LIMIT, "policies: more permission_groups than there are");
	json_array_foreach(said, index, group)
	{
		const struct slv_api_right_info *info = right_of(group);
		if (!info)
			return SLV_ERR(SLV_E_SYNTAX,
					"policies: no such permission group; they are listed at "
					"…/tokens/permission_groups");
		if (info->scope == SLV_API_OF_ACCOUNT && !of_account)
			return slv_err_printf(arena, SLV_E_SYNTAX,
					"policies: '%s' is of an account, not of a bucket",
					info->name);
		json_array_append_new(ret_groups,
				json_pack("{s:s, s:s}", "id", info->id, "name", info->name));
	}
	return SLV_OK;
}

static slv_err policy_check(struct slv_arena *arena, slv_str account, json_t *said, size_t index,
		json_t *ret_policies)
{
	slv_str effect = member(said, "effect");
	bool of_account = false;
	if (!slv_str_eq(effect, SLV_STR("allow")) && !slv_str_eq(effect, SLV_STR("deny")))
		return SLV_ERR(SLV_E_SYNTAX, "policies: effect is allow or deny");
	json_t *resources = json_object_get(said, "resources");
	slv_err err = resources_check(arena, account, resources, &of_account);
	if (slv_failed(err))
		return err;
	json_t *groups = json_array();
	err = groups_check(arena, json_object_get(said, "permission_groups"), of_account, groups);
	if (slv_failed(err)) {
		json_decref(groups);
		return err;
	}
	char id[SLV_API_ID_BYTES + 1];
	(void)snprintf(id, sizeof(id), "%032zx", index + 1); /* fits */
	json_array_append_new(
			ret_policies, json_pack("{s:s, s:s%, s:o, s:O}", "id", id, "effect",
						      effect.at, effect.len, "permission_groups",
						      groups, "resources", resources));
	return SLV_OK;
}

static slv_err policies_update(
		struct slv_arena *arena, slv_str account, const json_t *said, json_t *record)
{
	size_t index;
	json_t *policy;
	slv_err err = SLV_OK;
	if (!json_is_array(said) || json_array_size(said) == 0)
		return SLV_ERR(SLV_E_SYNTAX, "policies is a list of one or more");
	if (json_array_size(said) > SLV_API_POLICIES_MAX)
		return SLV_ERR(SLV_E_LIMIT, "policies: at most 20");
	json_t *policies = json_array();
	json_array_foreach(said, index, policy) if (!slv_failed(err)) err =
			policy_check(arena, account, policy, index, policies);
	if (slv_failed(err))
		json_decref(policies);
	else
		json_object_set_new(record, "policies", policies);
	return err;
}

static bool nets_are_ok(const json_t *list)
{
	size_t index;
	json_t *item;
	struct slv_net net;
	if (!list)
		return true;
	if (!json_is_array(list) || json_array_size(list) > SLV_API_NETS_MAX)
		return false;
	json_array_foreach(list, index, item) if (!slv_net_parse(text_of(item), &net)) return false;
	return true;
}

static slv_err condition_update(json_t *said, json_t *record)
{
	if (!said || json_is_null(said) || json_object_size(said) == 0) {
		(void)json_object_del(record, "condition"); /* or there was none */
		return SLV_OK;
	}
	json_t *from = json_object_get(said, "request_ip");
	if (!json_is_object(from) || json_object_size(said) != 1)
		return SLV_ERR(SLV_E_SYNTAX, "condition: there is request_ip, an object");
	if (!nets_are_ok(json_object_get(from, "in")) ||
			!nets_are_ok(json_object_get(from, "not_in")))
		return SLV_ERR(SLV_E_SYNTAX, "condition: request_ip: in and not_in are lists of at "
					     "most 50 networks, as 192.0.2.0/24");
	json_object_set(record, "condition", said);
	return SLV_OK;
}

static slv_err time_update(struct slv_arena *arena, json_t *said, const char *name, json_t *record)
{
	int64_t unix_s;
	char text[SLV_DATE_ISO_BYTES];
	if (!said || json_is_null(said)) {
		(void)json_object_del(record, name); /* or there was none */
		return SLV_OK;
	}
	if (!slv_date_parse_iso(text_of(said), &unix_s))
		return slv_err_printf(
				arena, SLV_E_SYNTAX, "%s is a time as 2030-01-31T00:00:00Z", name);
	slv_date_print_iso(unix_s, text);
	json_object_set_new(record, name, json_stringn(text, sizeof(text)));
	return SLV_OK;
}

static slv_err name_update(json_t *said, json_t *record)
{
	slv_str name = text_of(said);
	if (!name.len || name.len > SLV_API_NAME_BYTES_MAX)
		return SLV_ERR(SLV_E_SYNTAX, "name is a text of 1 to 120 bytes");
	json_object_set(record, "name", said);
	return SLV_OK;
}

static slv_err status_update(json_t *said, json_t *record)
{
	slv_str status = text_of(said);
	bool active = slv_str_eq(status, SLV_STR("active"));
	/* Clients send back what they were told. */
	if (!active && !slv_str_eq(status, SLV_STR("disabled")) &&
			!slv_str_eq(status, SLV_STR("expired")))
		return SLV_ERR(SLV_E_SYNTAX, "status is active or disabled");
	if (!slv_str_eq(status, SLV_STR("expired")))
		json_object_set(record, "status", said);
	return SLV_OK;
}

slv_err slv_api_record_update(
		struct slv_arena *arena, slv_str account, json_t *said, bool fresh, json_t *record)
{
	static const char *const times[] = { "not_before", "expires_on" };
	json_t *value = json_object_get(said, "name");
	slv_err err = SLV_OK;
	if (!json_is_object(said))
		return SLV_ERR(SLV_E_SYNTAX, "a token is an object");
	if (fresh)
		json_object_set_new(record, "status", json_string("active"));
	if (value || fresh)
		err = name_update(value, record);
	value = json_object_get(said, "policies");
	if (!slv_failed(err) && (value || fresh))
		err = policies_update(arena, account, value, record);
	value = json_object_get(said, "condition");
	if (!slv_failed(err) && value)
		err = condition_update(value, record);
	for (size_t i = 0; i < SLV_COUNT(times) && !slv_failed(err); i++) {
		value = json_object_get(said, times[i]);
		if (value)
			err = time_update(arena, value, times[i], record);
	}
	value = json_object_get(said, "status");
	if (!slv_failed(err) && value)
		err = status_update(value, record);
	return err;
}

/* --- records: what was kept --- */

#define NO_RECORD SLV_ERR(SLV_E_CORRUPT, "the record of a token is damaged")

static slv_err no_memory(void)
{
	return SLV_ERR(SLV_E_LIMIT, "no memory for a token");
}

static slv_err nets_read(struct slv_arena *arena, const json_t *list, struct slv_api_nets *ret_nets)
{
	size_t count = json_array_size(list);
	struct slv_net *nets = SLV_NEW_ARRAY(arena, struct slv_net, count);
	if (!nets && count)
		return no_memory();
	for (size_t i = 0; i < count; i++)
		if (!slv_net_parse(text_of(json_array_get(list, i)), &nets[i]))
			return NO_RECORD;
	*ret_nets = (struct slv_api_nets){ .at = nets, .count = count };
	return SLV_OK;
}

/* What a denial takes along. Who may write may read, but who must not write may still do so. */
static uint32_t denied_along(enum slv_api_right right)
{
	return right == SLV_API_R2_READ    ? SLV_API_BIT(ITEM_READ)
	       : right == SLV_API_R2_WRITE ? SLV_API_BIT(ITEM_WRITE)
	                                   : 0;
}

static uint32_t rights_read(const json_t *groups, bool denies)
{
	uint32_t rights = 0;
	for (size_t i = 0; i < json_array_size(groups); i++) {
		const struct slv_api_right_info *info = right_of(json_array_get(groups, i));
		if (!info)
			continue;
		enum slv_api_right right = (enum slv_api_right)(info - slv_api_rights);
		rights |= SLV_BIT(right) | (denies ? denied_along(right) : info->brings);
	}
	return rights;
}

static slv_err resources_read(struct slv_arena *arena, slv_str account, json_t *said,
		struct slv_api_policy *policy)
{
	const char *name, *prefix;
	json_t *reach, *value;
	struct slv_api_resource *at =
			SLV_NEW_ARRAY(arena, struct slv_api_resource, SLV_API_RESOURCES_MAX);
	if (!at)
		return no_memory();
	policy->resources = at;
	json_object_foreach(said, name, reach)
	{
		struct slv_api_resource resource;
		slv_str kept = slv_str_copy(arena, slv_str_from(name));
		if (!kept.at)
			return no_memory();
		if (!resource_read(account, kept, &resource) ||
				policy->count >= SLV_API_RESOURCES_MAX)
			return NO_RECORD;
		if (!json_is_object(reach)) {
			at[policy->count++] = resource;
			continue;
		}
		json_object_foreach(reach, prefix, value)
		{
			slv_str text = slv_str_copy(arena, slv_str_from(prefix));
			if (!text.at || !text.len || policy->count >= SLV_API_RESOURCES_MAX)
				return text.at ? NO_RECORD : no_memory();
			resource.prefix = slv_str_head(text, text.len - 1);
			at[policy->count++] = resource;
		}
	}
	return SLV_OK;
}

static slv_err policies_read(struct slv_arena *arena, slv_str account, const json_t *list,
		struct slv_api_token *token)
{
	size_t count = json_array_size(list);
	struct slv_api_policy *policies = SLV_NEW_ARRAY(arena, struct slv_api_policy, count);
	if (!policies && count)
		return no_memory();
	for (size_t i = 0; i < count; i++) {
		const json_t *policy = json_array_get(list, i);
		policies[i].denies = slv_str_eq(member(policy, "effect"), SLV_STR("deny"));
		policies[i].rights = rights_read(
				json_object_get(policy, "permission_groups"), policies[i].denies);
		slv_err err = resources_read(
				arena, account, json_object_get(policy, "resources"), &policies[i]);
		if (slv_failed(err))
			return err;
	}
	token->policies = policies;
	token->policy_count = count;
	return SLV_OK;
}

static bool time_read(const json_t *record, const char *name, int64_t *ret_unix_s)
{
	slv_str text = member(record, name);
	*ret_unix_s = 0;
	return !text.at || slv_date_parse_iso(text, ret_unix_s);
}

static slv_err token_read(struct slv_arena *arena, slv_str account, const json_t *record,
		struct slv_api_token *token)
{
	const json_t *from = json_object_get(json_object_get(record, "condition"), "request_ip");
	*token = (struct slv_api_token){
		.id = slv_str_copy(arena, member(record, "id")),
		.name = slv_str_copy(arena, member(record, "name")),
		.secret = slv_str_copy(arena, member(record, "secret")),
		.disabled = !slv_str_eq(member(record, "status"), SLV_STR("active")),
	};
	if (!token->id.at || !token->name.at || !token->secret.at)
		return no_memory();
	if (token->id.len != SLV_API_ID_BYTES || token->secret.len != SLV_API_SECRET_BYTES ||
			!time_read(record, "not_before", &token->not_before_s) ||
			!time_read(record, "expires_on", &token->expires_s))
		return NO_RECORD;
	slv_err err = nets_read(arena, json_object_get(from, "in"), &token->in);
	if (!slv_failed(err))
		err = nets_read(arena, json_object_get(from, "not_in"), &token->not_in);
	if (!slv_failed(err))
		err = policies_read(arena, account, json_object_get(record, "policies"), token);
	return err;
}

slv_err slv_api_token_read(struct slv_arena *arena, slv_str account, slv_str record,
		struct slv_api_token *ret_token)
{
	json_t *root = json_loadb(record.at ? record.at : "", record.len, 0, NULL);
	slv_err err = root ? token_read(arena, account, root, ret_token) : NO_RECORD;
	json_decref(root);
	return err;
}

/* --- questions --- */

enum slv_api_status slv_api_token_status(const struct slv_api_token *token, int64_t now_s)
{
	if (token->expires_s && now_s >= token->expires_s)
		return SLV_API_EXPIRED;
	return token->disabled || now_s < token->not_before_s ? SLV_API_DISABLED : SLV_API_ACTIVE;
}

const char *slv_api_status_name(enum slv_api_status status)
{
	static const char *const names[] = {
		[SLV_API_ACTIVE] = "active",
		[SLV_API_DISABLED] = "disabled",
		[SLV_API_EXPIRED] = "expired",
	};
	slv_assert(status < SLV_COUNT(names));
	return names[status];
}

static bool has(const struct slv_api_nets *nets, const struct slv_addr *client)
{
	for (size_t i = 0; i < nets->count; i++)
		if (slv_net_has(&nets->at[i], client))
			return true;
	return false;
}

bool slv_api_token_from(const struct slv_api_token *token, const struct slv_addr *client)
{
	if (!client->known)
		return !token->in.count && !token->not_in.count;
	return (!token->in.count || has(&token->in, client)) && !has(&token->not_in, client);
}

static bool covers(const struct slv_api_resource *resource, enum slv_api_scope scope,
		slv_str bucket, slv_str key)
{
	if (resource->what == SLV_API_RESOURCE_ACCOUNT)
		return true;
	if (scope == SLV_API_OF_ACCOUNT)
		return false;
	return (slv_str_eq(resource->bucket, SLV_STR("*")) ||
			       slv_str_eq(resource->bucket, bucket)) &&
	       slv_str_starts(key, resource->prefix);
}

/* As covers(), for any of the keys that begin with `prefix`: one that begins as both do. */
static bool touches(const struct slv_api_resource *resource, enum slv_api_scope scope,
		slv_str bucket, slv_str prefix)
{
	struct slv_api_resource some = *resource;
	some.prefix = slv_str_head(some.prefix, prefix.len);
	return covers(&some, scope, bucket, prefix);
}

/* `all`: to every key that begins with `key`, so that one that is denied is too many. */
static bool may(const struct slv_api_token *token, enum slv_api_right right, slv_str bucket,
		slv_str key, bool all)
{
	bool allowed = false;
	slv_assert(right < SLV_API_RIGHT_COUNT);
	enum slv_api_scope scope = slv_api_rights[right].scope;
	for (size_t i = 0; i < token->policy_count; i++) {
		const struct slv_api_policy *policy = &token->policies[i];
		if (!(policy->rights & SLV_BIT(right)))
			continue;
		for (size_t k = 0; k < policy->count; k++) {
			const struct slv_api_resource *resource = &policy->resources[k];
			bool here = covers(resource, scope, bucket, key);
			if (policy->denies &&
					(here || (all && touches(resource, scope, bucket, key))))
				return false;
			allowed |= !policy->denies && here;
		}
	}
	return allowed;
}

bool slv_api_token_may(const struct slv_api_token *token, enum slv_api_right right, slv_str bucket,
		slv_str key)
{
	/* Without a key it is about the bucket as a whole. */
	return may(token, right, bucket, key, key.len == 0);
}

bool slv_api_token_may_all(const struct slv_api_token *token, enum slv_api_right right,
		slv_str bucket, slv_str prefix)
{
	return may(token, right, bucket, prefix, true);
}

bool slv_api_token_touches(
		const struct slv_api_token *token, enum slv_api_right right, slv_str bucket)
{
	slv_assert(right < SLV_API_RIGHT_COUNT);
	for (size_t i = 0; i < token->policy_count; i++) {
		const struct slv_api_policy *policy = &token->policies[i];
		for (size_t k = 0; k < policy->count; k++)
			if (!policy->denies && (policy->rights & SLV_BIT(right)) &&
					touches(&policy->resources[k], slv_api_rights[right].scope,
							bucket, (slv_str){ 0 }))
				return true;
	}
	return false;
}

/* Whether `token` may do `right` to all of that resource. */
static bool covers_all(const struct slv_api_token *token, enum slv_api_right right,
		const struct slv_api_resource *resource)
{
	bool may = false;
	for (size_t i = 0; i < token->policy_count; i++) {
		const struct slv_api_policy *policy = &token->policies[i];
		if (!(policy->rights & SLV_BIT(right)))
			continue;
		if (policy->denies)
			return false; /* of something: of how much is not looked at */
		for (size_t k = 0; k < policy->count; k++)
			may |= policy->resources[k].what == SLV_API_RESOURCE_ACCOUNT ||
			       (resource->what == SLV_API_RESOURCE_BUCKET &&
					       covers(&policy->resources[k],
							       slv_api_rights[right].scope,
							       resource->bucket, resource->prefix));
	}
	return may;
}

static bool is_within(const struct slv_net *net, const struct slv_api_nets *nets)
{
	struct slv_addr first = { .known = true };
	memcpy(first.ip, net->ip, sizeof(first.ip));
	for (size_t i = 0; i < nets->count; i++)
		if (nets->at[i].bits <= net->bits && slv_net_has(&nets->at[i], &first))
			return true;
	return false;
}

/* Is every network of `inner` in one of `outer`? */
static bool are_within(const struct slv_api_nets *inner, const struct slv_api_nets *outer)
{
	for (size_t i = 0; i < inner->count; i++)
		if (!is_within(&inner->at[i], outer))
			return false;
	return true;
}

/* Nor longer, nor from elsewhere. */
static bool bounds_cover(const struct slv_api_token *token, const struct slv_api_token *other)
{
	if (token->expires_s && (!other->expires_s || other->expires_s > token->expires_s))
		return false;
	if (token->in.count && (!other->in.count || !are_within(&other->in, &token->in)))
		return false;
	return are_within(&token->not_in, &other->not_in);
}

bool slv_api_token_covers(const struct slv_api_token *token, const struct slv_api_token *other)
{
	if (!bounds_cover(token, other))
		return false;
	for (size_t i = 0; i < other->policy_count; i++) {
		const struct slv_api_policy *policy = &other->policies[i];
		for (size_t right = 0; right < SLV_API_RIGHT_COUNT && !policy->denies; right++)
			for (size_t k = 0; k < policy->count; k++)
				if ((policy->rights & SLV_BIT(right)) &&
						!covers_all(token, (enum slv_api_right)right,
								&policy->resources[k]))
					return false;
	}
	return true;
}
