#include "http/status.h"

#include "base/assert.h"
#include "base/attr.h"

static const slv_str methods[SLV_METHOD_COUNT] = { [SLV_METHOD_OTHER] = { 0 },
#define X(name) SLV_STR_INIT(#name),
	SLV_METHOD_TABLE(X)
#undef X
};

enum slv_method slv_method_from(slv_str name)
{
	for (unsigned i = SLV_METHOD_OTHER + 1; i < SLV_METHOD_COUNT; i++)
		if (slv_str_eq(methods[i], name))
			return (enum slv_method)i;
	return SLV_METHOD_OTHER;
}

slv_str slv_method_name(enum slv_method method)
{
	slv_assert(method < SLV_METHOD_COUNT);
	return methods[method];
}

/* The registry of RFC 9110 section 16.2.1, as far as its rows are final, and nginx's 499. */
#define STATUS_TABLE(X)                                                                            \
	X(100, "Continue")                                                                         \
	X(101, "Switching Protocols")                                                              \
	X(102, "Processing")                                                                       \
	X(103, "Early Hints")                                                                      \
	X(200, "OK")                                                                               \
	X(201, "Created")                                                                          \
	X(202, "Accepted")                                                                         \
	X(203, "Non-Authoritative Information")                                                    \
	X(204, "No Content")                                                                       \
	X(205, "Reset Content")                                                                    \
	X(206, "Partial Content")                                                                  \
	X(207, "Multi-Status")                                                                     \
	X(208, "Already Reported")                                                                 \
	X(226, "IM Used")                                                                          \
	X(300, "Multiple Choices")                                                                 \
	X(301, "Moved Permanently")                                                                \
	X(302, "Found")                                                                            \
	X(303, "See Other")                                                                        \
	X(304, "Not Modified")                                                                     \
	X(305, "Use Proxy")                                                                        \
	X(307, "Temporary Redirect")                                                               \
	X(308, "Permanent Redirect")                                                               \
	X(400, "Bad Request")                                                                      \
	X(401, "Unauthorized")                                                                     \
	X(402, "Payment Required")                                                                 \
	X(403, "Forbidden")                                                                        \
	X(404, "Not Found")                                                                        \
	X(405, "Method Not Allowed")                                                               \
	X(406, "Not Acceptable")                                                                   \
	X(407, "Proxy Authentication Required")                                                    \
	X(408, "Request Timeout")                                                                  \
	X(409, "Conflict")                                                                         \
	X(410, "Gone")                                                                             \
	X(411, "Length Required")                                                                  \
	X(412, "Precondition Failed")                                                              \
	X(413, "Content Too Large")                                                                \
	X(414, "URI Too Long")                                                                     \
	X(415, "Unsupported Media Type")                                                           \
	X(416, "Range Not Satisfiable")                                                            \
	X(417, "Expectation Failed")                                                               \
	X(421, "Misdirected Request")                                                              \
	X(422, "Unprocessable Content")                                                            \
	X(423, "Locked")                                                                           \
	X(424, "Failed Dependency")                                                                \
	X(425, "Too Early")                                                                        \
	X(426, "Upgrade Required")                                                                 \
	X(428, "Precondition Required")                                                            \
	X(429, "Too Many Requests")                                                                \
	X(431, "Request Header Fields Too Large")                                                  \
	X(451, "Unavailable For Legal Reasons")                                                    \
	X(499, "Client Closed Request")                                                            \
	X(500, "Internal Server Error")                                                            \
	X(501, "Not Implemented")                                                                  \
	X(502, "Bad Gateway")                                                                      \
	X(503, "Service Unavailable")                                                              \
	X(504, "Gateway Timeout")                                                                  \
	X(505, "HTTP Version Not Supported")                                                       \
	X(506, "Variant Also Negotiates")                                                          \
	X(507, "Insufficient Storage")                                                             \
	X(508, "Loop Detected")                                                                    \
	X(511, "Network Authentication Required")

slv_str slv_status_reason(int status)
{
	switch (status) {
#define X(code, text)                                                                              \
	case code:                                                                                 \
		return SLV_STR(text);
		STATUS_TABLE(X)
#undef X
	default:
		return SLV_STR("Unknown");
	}
}

bool slv_status_is_bare(int status)
{
	return (status >= 100 && status < 200) || status == 204 || status == 304;
}
