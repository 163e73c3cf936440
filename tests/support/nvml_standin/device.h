/* What the functions about a device share. */
#ifndef NVML_STANDIN_DEVICE_H
#define NVML_STANDIN_DEVICE_H

#include "standin.h"

struct place { struct gpu *gpu; struct slice *slice; }; /* slice: 0 for a whole GPU */

struct place place_of(void *device);
int is_mig(const struct gpu *gpu);
/* Every function about a device begins so: counts the call, takes its time, looks for the loss. */
int enter(const char *name, void *device, struct place *place);

#endif
