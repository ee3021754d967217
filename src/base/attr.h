/* attr.h - the few compiler attributes and constants that everything uses */
#ifndef SLV_BASE_ATTR_H
#define SLV_BASE_ATTR_H

/* On a type: a value of it that a call returns must be used. */
#if defined(__clang__)
#define SLV_NODISCARD __attribute__((warn_unused_result))
#else
#define SLV_NODISCARD [[nodiscard]]
#endif

/* On a local: `done(&local)` runs when the scope ends. Never beside goto. */
#define SLV_CLEANUP(done) __attribute__((cleanup(done)))

/* The argument `fmt` (from 1) is a printf format for those from `first` on. */
#define SLV_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))

/* On a function whose result must be used. */
#define SLV_NODISCARD_FN __attribute__((warn_unused_result))

#define SLV_BIT(n) (1u << (n))
#define SLV_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define SLV_LIKELY(x) __builtin_expect(!!(x), 1)
#define SLV_UNLIKELY(x) __builtin_expect(!!(x), 0)

/* The object of type `type` whose member `member` is at `ptr`. */
#define SLV_CONTAINER(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

/* Built with the address or the thread sanitizer, whose shadow is larger than any limit of memory
 * that is worth setting. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SLV_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SLV_SANITIZED 1
#endif
#endif
#ifndef SLV_SANITIZED
#define SLV_SANITIZED 0
#endif

#define SLV_KIB(n) ((size_t)(n) << 10)
#define SLV_MIB(n) ((size_t)(n) << 20)

#endif
