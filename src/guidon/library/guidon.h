/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guidon's evaluation engine for any program: flags are evaluated in the process, in nanoseconds, from definitions that
 * the program loads. The C interface; C++ programs may use the headers of guidon::eval directly.
 *
 * Handles are opaque. Every function that makes one has a partner that frees it, and freeing NULL does nothing. No
 * exception leaves a function. Texts that go in end with a zero byte unless a size is given; texts that come out do
 * too.
 *
 * Threads: snapshots and contexts never change once they are made, so any number of threads may use one at the same
 * time, without a lock. To change definitions, load another snapshot, let new evaluations use it, and free the old one
 * when nobody uses it any more.
 *
 * The interface is stable: within one major version functions and members are added, never changed or removed.
 */
/* Names and types as C has them. NOLINTBEGIN(readability-identifier-naming,modernize-use-using) */
#ifndef GUIDON_GUIDON_H_
#define GUIDON_GUIDON_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define GUIDON_API __attribute__((visibility("default")))
#else
#define GUIDON_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Of this header. guidon_version() tells that of the library at run time, as "1.0.0". */
#define GUIDON_API_VERSION_MAJOR 1
#define GUIDON_API_VERSION_MINOR 0
GUIDON_API const char* guidon_version(void);

/* All definitions of one environment at one moment. */
typedef struct guidon_snapshot guidon_snapshot;
/* Who or what a flag is evaluated for: OpenFeature's evaluation context. */
typedef struct guidon_context guidon_context;
/* Why something could not be loaded. */
typedef struct guidon_error guidon_error;

/* ---- Errors ---- */

/* What is wrong, as a sentence; where in the document ("flags[3].targetingRules[0].when", empty where it is the whole);
 * and a stable name: "malformed", "too_large", "invalid_argument", "unsupported", "internal". They live as long as the
 * error. */
GUIDON_API const char* guidon_error_message(const guidon_error* error);
GUIDON_API const char* guidon_error_field(const guidon_error* error);
GUIDON_API const char* guidon_error_code(const guidon_error* error);
GUIDON_API void guidon_error_free(guidon_error* error);

/* ---- Definitions ---- */

/* Reads and compiles a definitions document of `size` bytes of JSON:
 *
 *   {"environment": "production", "flags": [...], "segments": [...],
 *    "overrides": [{"flagKey": "...", "tenantId": "...", "variation": "..."}],
 *    "killSwitches": [{"scope": "global", "reason": "..."}]}
 *
 * with flags and segments as the management API writes them. NULL where any part of it is wrong; then `*error`, unless
 * `error` is NULL, says what and where, and the caller frees it. */
GUIDON_API guidon_snapshot* guidon_snapshot_load(const char* json, size_t size, guidon_error** error);
GUIDON_API void guidon_snapshot_free(guidon_snapshot* snapshot);

/* Flags in the order of their keys; NULL beyond the last. The key lives as long as the snapshot. */
GUIDON_API size_t guidon_snapshot_flag_count(const guidon_snapshot* snapshot);
GUIDON_API const char* guidon_snapshot_flag_key(const guidon_snapshot* snapshot, size_t index);

/* ---- Contexts ---- */

/* Reads a context of `size` bytes of JSON: an object in which "targetingKey" and "tenantId" are strings and everything
 * else is an attribute. NULL and `*error` as with guidon_snapshot_load. */
GUIDON_API guidon_context* guidon_context_load(const char* json, size_t size, guidon_error** error);
GUIDON_API void guidon_context_free(guidon_context* context);

/* ---- Evaluation ---- */

typedef enum guidon_type {
  GUIDON_TYPE_NONE = 0, /* no value: the code's default applies */
  GUIDON_TYPE_BOOLEAN = 1,
  GUIDON_TYPE_STRING = 2,
  GUIDON_TYPE_NUMBER = 3,
  GUIDON_TYPE_OBJECT = 4
} guidon_type;

/* OpenFeature's reasons. */
typedef enum guidon_reason {
  GUIDON_REASON_STATIC = 0,
  GUIDON_REASON_DEFAULT = 1,
  GUIDON_REASON_TARGETING_MATCH = 2,
  GUIDON_REASON_SPLIT = 3,
  GUIDON_REASON_DISABLED = 4,
  GUIDON_REASON_STALE = 5,
  GUIDON_REASON_PREREQUISITE_FAILED = 6,
  GUIDON_REASON_ERROR = 7
} guidon_reason;

/* OpenFeature's error codes. */
typedef enum guidon_evaluation_error {
  GUIDON_ERROR_NONE = 0,
  GUIDON_ERROR_FLAG_NOT_FOUND = 1,
  GUIDON_ERROR_TYPE_MISMATCH = 2,
  GUIDON_ERROR_TARGETING_KEY_MISSING = 3,
  GUIDON_ERROR_INVALID_CONTEXT = 4,
  GUIDON_ERROR_PARSE_ERROR = 5,
  GUIDON_ERROR_GENERAL = 6
} guidon_evaluation_error;

/* "TARGETING_MATCH" and so on; "" for GUIDON_ERROR_NONE. */
GUIDON_API const char* guidon_reason_name(guidon_reason reason);
GUIDON_API const char* guidon_evaluation_error_name(guidon_evaluation_error error);

/* `size` bytes of UTF-8, followed by a zero byte. */
typedef struct guidon_text {
  const char* data;
  size_t size;
} guidon_text;

/* An answer. Its texts live as long as the snapshot that gave it; it need not be freed. */
typedef struct guidon_evaluation {
  guidon_type type; /* of the value; GUIDON_TYPE_NONE: there is none */
  guidon_reason reason;
  guidon_evaluation_error error;
  bool boolean;    /* with GUIDON_TYPE_BOOLEAN */
  bool is_integer; /* with GUIDON_TYPE_NUMBER: `integer` holds the value exactly */
  bool stale;      /* an older definition answered, because the newest cannot be used */
  bool expired;    /* the flag's time is over */
  double number;   /* with GUIDON_TYPE_NUMBER */
  int64_t integer;
  guidon_text string;  /* with GUIDON_TYPE_STRING */
  guidon_text json;    /* the value as JSON, whatever its type */
  guidon_text variant; /* name of the variation served */
  guidon_text flag_key;
  guidon_text rule_id;     /* of the rule that decided; else empty */
  guidon_text kill_switch; /* scope of the kill switch that decided, "flag:new-checkout"; else empty */
} guidon_evaluation;

/* In place of a time: now, by the system's clock. */
#define GUIDON_NOW INT64_MIN

/* Evaluates one flag at `now_ms` (milliseconds since 1970-01-01 UTC, or GUIDON_NOW). Never fails: what goes wrong is in
 * `out->error`. A `context` of NULL is an empty one. */
GUIDON_API void guidon_evaluate(const guidon_snapshot* snapshot, const char* flag_key, const guidon_context* context,
                                int64_t now_ms, guidon_evaluation* out);

/* The same for all flags that exist for the context's tenant, in the order of their keys. Writes at most `capacity`
 * answers to `out` and returns how many there are; guidon_snapshot_flag_count is always enough. */
GUIDON_API size_t guidon_evaluate_all(const guidon_snapshot* snapshot, const guidon_context* context, int64_t now_ms,
                                      guidon_evaluation* out, size_t capacity);

/* One flag's value now, or `fallback` where there is none or it is of another type (then the error in `details` is
 * GUIDON_ERROR_TYPE_MISMATCH). `details` may be NULL. Strings and objects (as JSON text) live as long as the snapshot.
 */
GUIDON_API bool guidon_boolean(const guidon_snapshot* snapshot, const char* flag_key, const guidon_context* context,
                               bool fallback, guidon_evaluation* details);
GUIDON_API const char* guidon_string(const guidon_snapshot* snapshot, const char* flag_key,
                                     const guidon_context* context, const char* fallback, guidon_evaluation* details);
GUIDON_API double guidon_number(const guidon_snapshot* snapshot, const char* flag_key, const guidon_context* context,
                                double fallback, guidon_evaluation* details);
GUIDON_API const char* guidon_object(const guidon_snapshot* snapshot, const char* flag_key,
                                     const guidon_context* context, const char* fallback, guidon_evaluation* details);

/* How the answer came about, step by step, as JSON; the same code that evaluates. NULL only where memory ran out. The
 * caller frees it with guidon_text_free. */
GUIDON_API char* guidon_explain(const guidon_snapshot* snapshot, const char* flag_key, const guidon_context* context,
                                int64_t now_ms);
GUIDON_API void guidon_text_free(char* text);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* GUIDON_GUIDON_H_ */
/* NOLINTEND(readability-identifier-naming,modernize-use-using) */
