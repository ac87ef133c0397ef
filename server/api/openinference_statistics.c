/* openinference_statistics.c - GET /v2/models/stats and /v2/models/{model}/stats: Triton's
 * statistics, from the counts that /metrics shows.
 *
 * Times are the metrics': compute_input is axond_inference_parse_seconds, and so on. Their counts
 * are all that of the answered requests, read once: perf_analyzer ends where they differ, as they
 * may for a request that is between two phases; and it knows by queue's which version has answered,
 * so that a request that waited for no worker counts there, too. */
#include <inttypes.h>
#include "api/listing.h"
#include "api/lookup.h"
#include "base/clock.h"
#include "metrics/metrics.h"

/* A version's counts are sums over all threads. */
enum { VERSION_NUMBERS = 1000 };

static void write_time(struct buf *out, const char *name, uint64_t count, uint64_t ns)
{
    buf_printf(out, "\"%s\":{\"count\":%" PRIu64 ",\"ns\":%" PRIu64 "}", name, count, ns);
}

/* Milliseconds since 1970; 0: nothing was answered yet. */
static uint64_t last_inference_ms(const struct model *m)
{
    uint64_t answered_ns = atomic_load_explicit(&m->answered_ns, memory_order_relaxed);

    return answered_ns == 0
               ? 0
               : (uint64_t)(clock_unix_s() * 1e3) - (clock_ns() - answered_ns) / 1000000;
}

static void write_version(struct buf *out, const struct model *m)
{
    const struct metrics_statistics s = metrics_model_statistics(m->metrics);
    const struct {
        const char *name;
        uint64_t count, ns;
    } times[] = {{"success", s.success.count, s.success.ns},
                 {"fail", s.failure.count, s.failure.ns},
                 {"queue", s.success.count, s.queue.ns},
                 {"compute_input", s.success.count, s.parse.ns},
                 {"compute_infer", s.success.count, s.compute.ns},
                 {"compute_output", s.success.count, s.write.ns},
                 {"cache_hit", 0, 0},
                 {"cache_miss", 0, 0}};

    buf_printf(out,
               "{\"name\":\"%s\",\"version\":\"%" PRIu64 "\",\"last_inference\":%" PRIu64
               ",\"inference_count\":%" PRIu64 ",\"execution_count\":%" PRIu64
               ",\"inference_stats\":{",
               m->name, m->version, last_inference_ms(m), s.rows, s.batches);
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        buf_puts(out, i ? "," : "");
        write_time(out, times[i].name, times[i].count, times[i].ns);
    }
    buf_puts(out, "},\"batch_stats\":[]}");
}

/* ---- of all models ---- */

static void write_entry(struct api_call *call, const struct repository_entry *entry)
{
    for (size_t i = 0; i < entry->versions_count; i++)
        if (entry->versions[i].model)
            write_version(listing_item(call), entry->versions[i].model);
}

static enum error_id write_all(struct api_call *call)
{
    static const struct listing_text text = {
        .before = "{\"model_stats\":[", .after = "]}", .write = write_entry};

    return listing_write(call, &text);
}

static size_t elements(const struct api_call *call)
{
    return listing_elements(call, VERSION_NUMBERS);
}

static const struct call_post all = {
    .tensors = (const char *const[]){NULL},
    .state_bytes = sizeof(struct listing),
    .phases =
        {[CALL_READ] = listing_begin, [CALL_COMPUTE] = listing_nothing, [CALL_WRITE] = write_all},
    .fini = listing_fini,
    .elements = elements,
};

enum error_id openinference_statistics(struct api_call *call)
{
    return call_go_on(call, &all);
}

/* ---- of one ---- */

enum error_id openinference_model_statistics(struct api_call *call)
{
    struct buf *out = &call->reply->body;
    struct lookup l = {0};
    size_t written = 0;
    enum error_id id = lookup_init(&l, call);

    if (id == ERROR_OK && (l.version || !repository_find_version(l.entry, 0)))
        id = lookup_available(&l, call);
    if (id == ERROR_OK) {
        buf_puts(out, "{\"model_stats\":[");
        for (size_t i = 0; i < l.entry->versions_count; i++) {
            const struct repository_version *v = &l.entry->versions[i];

            if (!v->model || (l.version && v != l.version))
                continue;
            buf_puts(out, written++ ? "," : "");
            write_version(out, v->model);
        }
        buf_puts(out, "]}");
    }
    lookup_fini(&l);
    return id;
}
