/* services.h - what is in the program */
#ifndef SLV_MAIN_SERVICES_H
#define SLV_MAIN_SERVICES_H

#include "api/api.h"
#include "conf/schema.h"
#include "service/service.h"

/* Ends with NULL; the order is that of slv_edge_route.settings. */
extern const struct slv_service *const services[];

/* The rows of struct slv_edge_route: its path, and one optional section a service. */
extern const struct slv_conf_key services_route_keys[];

/* The path of the first route that delivers stored pictures, without the slash at its end; empty:
 * "/", or there is none. `sites` are those of struct slv_edge_conf. */
slv_str services_delivery_path(const struct slv_conf_list *sites);

/* The calls of the API, besides those about tokens. Ends with NULL; the order is that of
 * slv_api_settings.settings. */
enum { SERVICES_API_KV, SERVICES_API_IMAGES };
extern const struct slv_api_group *const services_api_groups[];

#endif
