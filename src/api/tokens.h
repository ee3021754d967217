/* tokens.h - the calls about the account and its tokens
 *
 *	GET            /accounts, /accounts/{id}
 *	GET            /accounts/{id}/tokens/permission_groups
 *	GET            /accounts/{id}/tokens/verify, /user/tokens/verify
 *	GET POST       /accounts/{id}/tokens
 *	GET PUT DELETE /accounts/{id}/tokens/{token}
 *	PUT            /accounts/{id}/tokens/{token}/value      another value for it
 */
#ifndef SLV_API_TOKENS_H
#define SLV_API_TOKENS_H

#include "api/api.h"

extern const struct slv_api_group slv_api_tokens;

#endif
