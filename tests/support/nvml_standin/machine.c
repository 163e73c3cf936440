/* The driver and its GPUs: opening, names, MIG. Signatures and layouts are those of nvml.h (CUDA 12
 * and 13); a device handle points to a gpu or to a slice of this stand-in. */
#define _GNU_SOURCE
#include "device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int inits;

int nvmlInitWithFlags(unsigned flags) {
    double ignored;
    (void)flags;
    load_script();
    count_call(__func__);
    int error = answer(&driver.init, &ignored);
    inits += !error;
    return error;
}
int nvmlInit_v2(void) { return nvmlInitWithFlags(0); }

int nvmlShutdown(void) {
    count_call(__func__);
    if (!inits) return UNINITIALIZED;
    inits--;
    write_calls();
    double ignored;
    return answer(&driver.shutdown, &ignored);
}

const char *nvmlErrorString(int code) {
    static char text[32];
    snprintf(text, sizeof text, "NVML error %d", code);
    return text;
}

static int copy_text(char *target, unsigned size, const char *text) {
    if (strlen(text) + 1 > size) return INSUFFICIENT_SIZE;
    strcpy(target, text);
    return SUCCESS;
}

int nvmlSystemGetDriverVersion(char *version, unsigned size) {
    count_call(__func__);
    return inits ? copy_text(version, size, driver.version) : UNINITIALIZED;
}

int nvmlDeviceGetCount_v2(unsigned *count) {
    double ignored;
    count_call(__func__);
    if (!inits) return UNINITIALIZED;
    *count = (unsigned)driver.gpu_count;
    return answer(&driver.count, &ignored);
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device) {
    count_call(__func__);
    if (!inits) return UNINITIALIZED;
    if (index >= (unsigned)driver.gpu_count) return INVALID_ARGUMENT;
    *device = &driver.gpus[index];
    return SUCCESS;
}

struct place place_of(void *device) {
    char *at = device, *first = (char *)driver.gpus;
    size_t index = (size_t)(at - first) / sizeof *driver.gpus;
    struct gpu *gpu = &driver.gpus[index];
    return (struct place){gpu, device == gpu ? 0 : device};
}

int enter(const char *name, void *device, struct place *place) {
    double is_lost;
    count_call(name);
    if (!inits) return UNINITIALIZED;
    *place = place_of(device);
    if (driver.call_us) usleep((unsigned)driver.call_us);
    int error = answer(&place->gpu->series[LOST], &is_lost);
    return error ? error : is_lost ? GPU_IS_LOST : SUCCESS;
}

int is_mig(const struct gpu *gpu) {
    double mode;
    return !answer(&gpu->series[MIG], &mode) && mode;
}

int nvmlDeviceGetName(void *device, char *name, unsigned size) {
    struct place place;
    char text[2 * MAX_TEXT];
    int error = enter(__func__, device, &place);
    if (error) return error;
    if (!place.slice) return copy_text(name, size, place.gpu->name);
    snprintf(text, sizeof text, "%s MIG %lldgb", place.gpu->name, (long long)(place.slice->total / 1000000000));
    return copy_text(name, size, text);
}

int nvmlDeviceGetUUID(void *device, char *uuid, unsigned size) {
    struct place place;
    char text[2 * MAX_TEXT];
    int error = enter(__func__, device, &place);
    if (error) return error;
    if (!place.slice) return copy_text(uuid, size, place.gpu->uuid);
    snprintf(text, sizeof text, "MIG-%s-%d", place.gpu->uuid, (int)(place.slice - place.gpu->slices));
    return copy_text(uuid, size, text);
}

int nvmlDeviceGetMigMode(void *device, unsigned *current, unsigned *pending) {
    struct place place;
    double mode;
    int error = enter(__func__, device, &place);
    if (!error) error = answer(&place.gpu->series[MIG], &mode);
    if (!error) *current = *pending = (unsigned)mode;
    return error;
}

int nvmlDeviceGetMaxMigDeviceCount(void *device, unsigned *count) {
    struct place place;
    int error = enter(__func__, device, &place);
    *count = MAX_SLICES - 1; /* as many as could be, like the driver */
    return error;
}

int nvmlDeviceGetMigDeviceHandleByIndex(void *device, unsigned index, void **slice) {
    struct place place;
    int error = enter(__func__, device, &place);
    if (error) return error;
    if (!is_mig(place.gpu)) return NOT_SUPPORTED;
    if (index >= (unsigned)place.gpu->slice_count) return NOT_FOUND;
    *slice = &place.gpu->slices[index];
    return SUCCESS;
}
