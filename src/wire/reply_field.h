/* reply_field.h - what a field of a reply must be like: private to wire
 *
 * A service made it, maybe of what an origin said; what is wrong with it is found before
 * a byte of it reaches a client.
 */
#ifndef SLV_WIRE_REPLY_FIELD_H
#define SLV_WIRE_REPLY_FIELD_H

#include "http/field.h"

/* SLV_E_INTERNAL: the name is no token, the value holds a control byte or white space at its
 * ends, or the field is of the connection and not of the message. */
slv_err slv_reply_field_check(const struct slv_field *field);

#endif
