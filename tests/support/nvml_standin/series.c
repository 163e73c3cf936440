/* Questions with many answers, in buffers of the caller's: processes, the driver's own samples, GPM. */
#define _GNU_SOURCE
#include "device.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BUFFERED = 100, GPU_UTILIZATION_SAMPLES = 1, SM_UTIL = 2, ANY_TENSOR_UTIL = 5 };

/* The processes alive now, by their last entry. */
static int alive(const struct gpu *gpu, const struct process **found) {
    double now_s = script_second(unix_ns());
    int count = 0;
    for (int i = 0; i < gpu->process_count; i++) {
        const struct process *process = &gpu->processes[i];
        int is_last = process->at_s <= now_s;
        for (int j = i + 1; j < gpu->process_count; j++)
            if (gpu->processes[j].pid == process->pid && gpu->processes[j].at_s <= now_s) is_last = 0;
        if (is_last && !process->is_gone) found[count++] = process;
    }
    return count;
}

struct process_info { unsigned pid; unsigned long long memory; unsigned gpu_instance, compute_instance; };

static int running(const char *name, void *device, unsigned *count, struct process_info *infos) {
    const struct process *found[MAX_PROCESSES];
    struct place place;
    double ignored;
    int error = enter(name, device, &place);
    if (!error) error = answer(&place.gpu->series[PROCESSES], &ignored);
    if (error) return error;
    unsigned size = *count;
    unsigned named = place.slice ? 0 : (unsigned)alive(place.gpu, found);
    *count = place.slice ? 0 : named + (unsigned)place.gpu->crowd;
    if (*count > size) return INSUFFICIENT_SIZE;
    for (unsigned i = named; i < *count; i++)
        infos[i] = (struct process_info){100000 + i - named, i - named + 1, ~0u, ~0u};
    for (unsigned i = 0; i < named; i++) {
        unsigned long long memory = (unsigned long long)found[i]->memory; /* -1: not available */
        infos[i] = (struct process_info){found[i]->pid, memory, ~0u, ~0u};
    }
    return SUCCESS;
}

int nvmlDeviceGetComputeRunningProcesses_v2(void *device, unsigned *count, struct process_info *infos) {
    return running(__func__, device, count, infos);
}

int nvmlDeviceGetComputeRunningProcesses_v3(void *device, unsigned *count, struct process_info *infos) {
    return running(__func__, device, count, infos);
}

/* The last point of the driver's sampling grid, in seconds of the script. */
static double last_grid_s(void) {
    double period_s = driver.sample_period_ms / 1e3;
    return floor(script_second(unix_ns()) / period_s) * period_s;
}

/* As the driver stamps it: microseconds since 1970, or since boot. */
static unsigned long long stamp(double script_s) {
    int64_t at_ns = driver.epoch_ns + llround(script_s * 1e9);
    if (driver.samples_from_boot) {
        struct timespec boot;
        clock_gettime(CLOCK_MONOTONIC, &boot);
        at_ns += boot.tv_sec * INT64_C(1000000000) + boot.tv_nsec - unix_ns();
    }
    return at_ns < 0 ? 0 : (unsigned long long)at_ns / 1000;
}

struct process_utilization { unsigned pid; unsigned long long stamp; unsigned sm, memory, encoder, decoder; };

int nvmlDeviceGetProcessUtilization(void *device, struct process_utilization *samples, unsigned *count,
                                    unsigned long long last_seen) {
    const struct process *found[MAX_PROCESSES];
    struct place place;
    double ignored;
    unsigned written = 0;
    int error = enter(__func__, device, &place);
    if (!error && (place.slice || is_mig(place.gpu))) error = NOT_SUPPORTED;
    if (!error) error = answer(&place.gpu->series[PROCESS_UTILIZATION], &ignored);
    if (error) return error;
    if (!samples || *count < BUFFERED) {
        *count = BUFFERED;
        return INSUFFICIENT_SIZE;
    }
    unsigned long long at = stamp(last_grid_s());
    int size = alive(place.gpu, found);
    for (int i = 0; i < size; i++)
        if (found[i]->sm >= 0 && at > last_seen)
            samples[written++] = (struct process_utilization){found[i]->pid, at, (unsigned)found[i]->sm, 0, 0, 0};
    *count = written;
    return written ? SUCCESS : NOT_FOUND;
}

struct sample { unsigned long long stamp; union { double real; unsigned number; unsigned long long wide; } value; };

int nvmlDeviceGetSamples(void *device, unsigned type, unsigned long long last_seen, unsigned *value_type,
                         unsigned *count, struct sample *samples) {
    struct place place;
    double ignored, period_s = driver.sample_period_ms / 1e3;
    unsigned written = 0;
    int error = enter(__func__, device, &place);
    if (!error && (place.slice || is_mig(place.gpu) || type != GPU_UTILIZATION_SAMPLES)) error = NOT_SUPPORTED;
    if (!error) error = answer(&place.gpu->series[SAMPLES], &ignored);
    if (!error) error = answer(&place.gpu->series[UTILIZATION], &ignored);
    if (error) return error;
    *value_type = 1; /* NVML_VALUE_TYPE_UNSIGNED_INT */
    if (!samples) {
        *count = BUFFERED;
        return SUCCESS;
    }
    for (int k = BUFFERED - 1; k >= 0 && written < *count; k--) {
        double at_s = last_grid_s() - k * period_s;
        if (at_s < period_s / 2 || stamp(at_s) <= last_seen) continue; /* it began with the script */
        double mean = mean_between(&place.gpu->series[UTILIZATION], at_s - period_s, at_s);
        samples[written].stamp = stamp(at_s);
        samples[written++].value.wide = (unsigned long long)llround(mean);
    }
    *count = written;
    return written ? SUCCESS : NOT_FOUND;
}

struct gpm_support { unsigned version, is_supported; };
struct gpm_sample { struct gpu *gpu; double at_s; };
struct gpm_metric { unsigned id; int result; double value; const char *names[3]; };
struct gpm_metrics { unsigned version, count; struct gpm_sample *first, *second; struct gpm_metric metrics[]; };

int nvmlGpmQueryDeviceSupport(void *device, struct gpm_support *support) {
    struct place place;
    double ignored;
    int error = enter(__func__, device, &place);
    if (error) return error;
    if (support->version != 1) return ARGUMENT_VERSION_MISMATCH;
    support->is_supported = !place.slice && answer(&place.gpu->series[GPM_SM], &ignored) != NOT_SUPPORTED;
    return SUCCESS;
}

int nvmlGpmSampleAlloc(struct gpm_sample **sample) {
    count_call(__func__);
    *sample = calloc(1, sizeof **sample);
    gpm_samples_alive++;
    return SUCCESS;
}

int nvmlGpmSampleFree(struct gpm_sample *sample) {
    count_call(__func__);
    free(sample);
    gpm_samples_alive--;
    return SUCCESS;
}

int nvmlGpmSampleGet(void *device, struct gpm_sample *sample) {
    struct place place;
    double ignored;
    int error = enter(__func__, device, &place);
    if (!error) error = answer(&place.gpu->series[GPM_SM], &ignored);
    if (!error) *sample = (struct gpm_sample){place.gpu, script_second(unix_ns())};
    return error;
}

int nvmlGpmMetricsGet(struct gpm_metrics *get) {
    count_call(__func__);
    if (get->version != 1) return ARGUMENT_VERSION_MISMATCH;
    if (!get->first->gpu || get->first->gpu != get->second->gpu || get->second->at_s <= get->first->at_s)
        return INVALID_ARGUMENT;
    for (unsigned i = 0; i < get->count; i++) {
        struct gpm_metric *metric = &get->metrics[i];
        enum key key = metric->id == SM_UTIL ? GPM_SM : GPM_TENSOR;
        const struct series *series = &get->first->gpu->series[key];
        int is_known = metric->id == SM_UTIL || metric->id == ANY_TENSOR_UTIL;
        metric->result = is_known ? point_at(series, get->second->at_s)->error : NOT_SUPPORTED;
        if (!metric->result) metric->value = mean_between(series, get->first->at_s, get->second->at_s);
    }
    return SUCCESS;
}
