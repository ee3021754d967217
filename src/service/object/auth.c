/* auth.c - who asks: the signature of a request, and the token that its key is */
#include "service/object/post.h"

#include "base/assert.h"

struct auth {
	struct object_ask *ask;
	struct slv_sigv4_request request;
	slv_str policy; /* of a form, which is what is signed; at == NULL: a request is */
	void (*done)(struct object_ask *ask, slv_object_err err);
};

static slv_object_err denied(const char *what)
{
	return SLV_OBJECT_ERR(SLV_OBJECT_E_ACCESS_DENIED, what);
}

/* What was said of the signature cannot be read. */
static slv_object_err malformed(const struct auth *auth, slv_err err)
{
	bool in_query = slv_sigv4_place(&auth->request) == SLV_SIGV4_IN_QUERY;
	if (err.code == SLV_E_UNAUTHORIZED)
		return denied(NULL);
	if (err.code == SLV_E_UNSUPPORTED)
		return SLV_OBJECT_ERR(SLV_OBJECT_E_INVALID_REQUEST,
				"The authorization mechanism is not "
				"supported; use AWS4-HMAC-SHA256.");
	return SLV_OBJECT_ERR(in_query ? SLV_OBJECT_E_AUTHORIZATION_QUERY_PARAMETERS
				       : SLV_OBJECT_E_AUTHORIZATION_HEADER_MALFORMED,
			err.what);
}

static slv_object_err check_time(const struct object_ask *ask)
{
	switch (slv_sigv4_when(&ask->signature, slv_loop_wall_s(ask->self->loop))) {
	case SLV_SIGV4_SKEWED:
		return SLV_OBJECT_ERR(SLV_OBJECT_E_REQUEST_TIME_TOO_SKEWED, NULL);
	case SLV_SIGV4_EXPIRED:
		return denied("Request has expired");
	case SLV_SIGV4_IN_TIME:
		break;
	}
	return SLV_OBJECT_OK;
}

/* What the body is said to be. */
static slv_object_err find_payload(struct auth *auth)
{
	struct object_ask *ask = auth->ask;
	ask->sha256 = object_field(ask, "x-amz-content-sha256");
	/* What signs in the query signs no payload, unless it says so. */
	if (!ask->sha256.at && ask->signature.presigned)
		ask->sha256 = SLV_STR("UNSIGNED-PAYLOAD");
	if (!ask->sha256.at)
		return SLV_OBJECT_ERR(SLV_OBJECT_E_MISSING_SECURITY_HEADER,
				"x-amz-content-sha256 is missing.");
	if (!slv_object_payload_of(ask->sha256, &ask->payload))
		return SLV_OBJECT_ERR(SLV_OBJECT_E_INVALID_ARGUMENT,
				"x-amz-content-sha256 must be UNSIGNED-PAYLOAD, a STREAMING-… "
				"form, "
				"or a valid sha256 value.");
	auth->request.payload = ask->sha256;
	return SLV_OBJECT_OK;
}

static slv_object_err verify(struct auth *auth)
{
	struct object_ask *ask = auth->ask;
	const struct slv_api_token *token = ask->find.token;
	const struct slv_sigv4 *signature = &ask->signature;
	if (slv_api_token_status(token, slv_loop_wall_s(ask->self->loop)) != SLV_API_ACTIVE)
		return SLV_OBJECT_ERR(SLV_OBJECT_E_INVALID_ACCESS_KEY_ID, NULL);
	if (!slv_api_token_from(token, &ask->req->client))
		return denied(NULL);
	ask->sign_key = slv_api_sign_key(
			&ask->find, signature->date, signature->region, signature->service);
	slv_err err = auth->policy.at ? slv_sigv4_verify_policy(
							auth->policy, signature, &ask->sign_key)
	                              : slv_sigv4_verify(ask->req->arena, &auth->request, signature,
							&ask->sign_key);
	if (err.code == SLV_E_SIGNATURE)
		return SLV_OBJECT_ERR(SLV_OBJECT_E_SIGNATURE_DOES_NOT_MATCH, NULL);
	if (err.code == SLV_E_DENIED)
		return denied(err.what);
	if (slv_failed(err))
		return malformed(auth, err);
	slv_api_used(ask->self->keys, token);
	return SLV_OBJECT_OK;
}

static void drop_token(void *arg)
{
	slv_api_found_drop(arg);
}

/* The token is ours until the request ends. */
static void found(struct auth *auth)
{
	struct object_ask *ask = auth->ask;
	slv_object_err err = object_no_memory();
	if (slv_arena_defer(ask->req->arena, drop_token, &ask->find))
		err = verify(auth);
	else
		slv_api_found_drop(&ask->find);
	auth->done(ask, err);
}

static void key_read(struct slv_api_find *find, slv_err err)
{
	struct object_ask *ask = SLV_CONTAINER(find, struct object_ask, find);
	struct auth *auth = ask->auth;
	if (err.code == SLV_E_MISSING)
		auth->done(ask, SLV_OBJECT_ERR(SLV_OBJECT_E_INVALID_ACCESS_KEY_ID, NULL));
	else if (slv_failed(err))
		auth->done(ask, object_err(err));
	else
		found(auth);
}

/* HTTP/2 has no Host, but signs one. Who says two different ones is refused: what was signed must
 * be what we were asked. */
static slv_object_err find_host(struct slv_req *req)
{
	slv_str host = slv_fields_get(&req->fields, SLV_FIELD_HOST);
	slv_str authority = req->uri.authority;
	if (!authority.len || slv_str_eq_nocase(host, authority))
		return SLV_OBJECT_OK;
	if (host.at)
		return SLV_OBJECT_ERR(SLV_OBJECT_E_BAD_REQUEST, "Two different hosts are named.");
	return object_err(slv_fields_add_id(&req->fields, SLV_FIELD_HOST, authority));
}

static slv_object_err read_signature(struct auth *auth)
{
	struct object_ask *ask = auth->ask;
	slv_err err = slv_sigv4_find(ask->req->arena, &auth->request,
			slv_loop_wall_s(ask->self->loop), &ask->signature);
	if (slv_failed(err))
		return malformed(auth, err);
	if (!slv_str_eq(ask->signature.service, SLV_STR("s3")))
		return malformed(auth, SLV_ERR(SLV_E_SYNTAX, "The scope is of another service."));
	slv_object_err bad = check_time(ask);
	return slv_object_failed(bad) ? bad : find_payload(auth);
}

static void find_token(struct object_ask *ask)
{
	ask->find = (struct slv_api_find){
		.keys = ask->self->keys, .id = ask->signature.key_id, .done = key_read
	};
	if (slv_api_find(&ask->find))
		found(ask->auth);
}

void object_authenticate(
		struct object_ask *ask, void (*done)(struct object_ask *ask, slv_object_err err))
{
	struct slv_req *req = ask->req;
	struct auth *auth = SLV_NEW(req->arena, struct auth);
	if (!auth) {
		done(ask, object_no_memory());
		return;
	}
	ask->auth = auth;
	auth->ask = ask;
	auth->done = done;
	slv_object_err err = find_host(req);
	auth->request = (struct slv_sigv4_request){
		.method = req->method_name,
		.path = req->uri.path,
		.query = req->uri.query,
		.fields = &req->fields,
	};
	if (!slv_object_failed(err))
		err = read_signature(auth);
	if (slv_object_failed(err)) {
		done(ask, err);
		return;
	}
	find_token(ask);
}

static slv_object_err read_form(struct object_ask *ask, const struct object_form_signature *form)
{
	slv_err err = slv_sigv4_find_form(form->algorithm, form->credential, form->date,
			form->signature, &ask->signature);
	if (slv_failed(err))
		return SLV_OBJECT_ERR(SLV_OBJECT_E_INVALID_ARGUMENT, err.what);
	if (!slv_str_eq(ask->signature.service, SLV_STR("s3")))
		return SLV_OBJECT_ERR(
				SLV_OBJECT_E_INVALID_ARGUMENT, "The scope is of another service.");
	slv_object_err bad = check_time(ask);
	return bad.code == SLV_OBJECT_E_ACCESS_DENIED
	                       ? denied("Invalid according to Policy: Policy expired.")
	                       : bad;
}

void object_authenticate_form(struct object_ask *ask, const struct object_form_signature *form,
		void (*done)(struct object_ask *ask, slv_object_err err))
{
	struct auth *auth = SLV_NEW(ask->req->arena, struct auth);
	slv_object_err err = auth ? read_form(ask, form) : object_no_memory();
	if (slv_object_failed(err)) {
		done(ask, err);
		return;
	}
	auth->ask = ask;
	auth->policy = form->policy;
	auth->done = done;
	ask->auth = auth;
	find_token(ask);
}
