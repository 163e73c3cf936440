/* Questions with one answer: utilization, memory, clocks, power, temperature, PCIe. */
#define _GNU_SOURCE
#include "device.h"

#include <unistd.h>

/* One value of a whole GPU; a slice has none of its own. */
static int level(const char *name, void *device, enum key key, double *value) {
    struct place place;
    int error = enter(name, device, &place);
    if (!error && place.slice) error = NOT_SUPPORTED;
    return error ? error : answer(&place.gpu->series[key], value);
}

#define LEVEL(FUNCTION, KEY, TYPE)                                        \
    int FUNCTION(void *device, TYPE *result) {                            \
        double value;                                                     \
        int error = level(__func__, device, KEY, &value);                 \
        if (!error) *result = (TYPE)value;                                \
        return error;                                                     \
    }

LEVEL(nvmlDeviceGetPowerUsage, POWER, unsigned)
LEVEL(nvmlDeviceGetCurrentClocksEventReasons, THROTTLE, unsigned long long)
LEVEL(nvmlDeviceGetCurrentClocksThrottleReasons, THROTTLE, unsigned long long)

struct utilization { unsigned gpu, memory; };

int nvmlDeviceGetUtilizationRates(void *device, struct utilization *rates) {
    struct place place;
    double gpu, memory;
    int error = enter(__func__, device, &place);
    if (!error && (place.slice || is_mig(place.gpu))) error = NOT_SUPPORTED;
    if (!error) error = answer(&place.gpu->series[UTILIZATION], &gpu);
    if (!error) error = answer(&place.gpu->series[MEMORY_UTILIZATION], &memory);
    if (!error) *rates = (struct utilization){(unsigned)gpu, (unsigned)memory};
    return error;
}

struct memory { unsigned long long total, free, used; };

int nvmlDeviceGetMemoryInfo(void *device, struct memory *memory) {
    struct place place;
    double total, used;
    int error = enter(__func__, device, &place);
    if (error) return error;
    if (place.slice) {
        *memory = (struct memory){place.slice->total, place.slice->total - place.slice->used, place.slice->used};
        return SUCCESS;
    }
    error = answer(&place.gpu->series[MEMORY_TOTAL], &total);
    if (!error) error = answer(&place.gpu->series[MEMORY_USED], &used);
    if (!error) *memory = (struct memory){(unsigned long long)total, (unsigned long long)(total - used), (unsigned long long)used};
    return error;
}

int nvmlDeviceGetClockInfo(void *device, unsigned type, unsigned *mhz) {
    double value;
    if (type != 1 && type != 2) return INVALID_ARGUMENT; /* NVML_CLOCK_SM, NVML_CLOCK_MEM */
    int error = level(__func__, device, type == 1 ? SM_CLOCK : MEMORY_CLOCK, &value);
    if (!error) *mhz = (unsigned)value;
    return error;
}

int nvmlDeviceGetTemperature(void *device, unsigned sensor, unsigned *celsius) {
    double value;
    if (sensor) return INVALID_ARGUMENT;
    int error = level(__func__, device, TEMPERATURE, &value);
    if (!error) *celsius = (unsigned)value;
    return error;
}

struct temperature { unsigned version, sensor; int celsius; };

int nvmlDeviceGetTemperatureV(void *device, struct temperature *temperature) {
    double value;
    if (temperature->version != (sizeof *temperature | 1u << 24)) return ARGUMENT_VERSION_MISMATCH;
    int error = level(__func__, device, TEMPERATURE, &value);
    if (!error) temperature->celsius = (int)value;
    return error;
}

int nvmlDeviceGetPcieThroughput(void *device, unsigned counter, unsigned *kilobytes) {
    double value;
    if (counter > 1) return INVALID_ARGUMENT;
    int error = level(__func__, device, counter ? PCIE_RX : PCIE_TX, &value);
    if (!error) usleep((unsigned)driver.pcie_block_ms * 1000); /* it counts for so long */
    if (!error) *kilobytes = (unsigned)value;
    return error;
}
