/* A driver library that answers from a script instead of from GPUs: libnvidia-ml.so.1 for machines
 * without one. Built by tests/support/nvml_standin/__init__.py; a process finds it by an
 * LD_LIBRARY_PATH that was set before the process started.
 *
 * Environment
 *   NVML_STANDIN           the script itself, entries separated by ';' or line breaks
 *   NVML_STANDIN_SCRIPT    or the path of a file with it
 *   NVML_STANDIN_EPOCH_NS  second 0 of the script, ns since 1970; else the first nvmlInit
 *   NVML_STANDIN_LOG       where the end of the process (and nvmlShutdown) writes "function calls"
 *
 * Script: one entry a line, '#' begins a comment. G is a GPU's index, or '*' for all so far.
 *   gpus 2                         how many, with the defaults of script.c; 1 without this entry
 *   driver init !DRIVER_NOT_LOADED nvmlInit fails; also "driver init hang", "driver count !UNKNOWN",
 *                                  "driver shutdown hang"
 *   driver version 550.54          what the driver calls itself
 *   driver sample_period_ms 20     grid of the driver's own samples (nvmlDeviceGetSamples)
 *   driver samples_from_boot 1     their time stamps are no wall clock
 *   driver pcie_block_ms 20        how long a question for PCIe throughput blocks
 *   driver call_us 0               how long every other question about a GPU takes
 *   G name TEXT                    likewise: uuid
 *   G KEY VALUE [@SECOND]          KEY has VALUE from that second on, until its next entry
 *       KEY    utilization memory_utilization (%), memory_total memory_used (bytes), sm_clock
 *              memory_clock (MHz), power (mW), temperature (degrees Celsius), throttle (bits),
 *              pcie_tx pcie_rx (KB/s), mig (0 or 1), gpm_sm gpm_tensor (%), processes (only
 *              errors), process_utilization (only errors), samples (only errors),
 *              lost (1: every call on this GPU gives GPU_IS_LOST)
 *       VALUE  a number, !ERROR as in NVML_ERROR_..., or hang: the call does not come back
 *   G process PID memory=N|none sm=N|none [@SECOND]    from then on; "G process PID gone @SECOND"
 *   G crowd N                      N more processes, from pid 100000 on, each with a byte more than the last
 *   G slice TOTAL USED             one MIG slice, bytes; needs "G mig 1"
 *
 * A KEY never named has a default, except that mig and gpm_* are !NOT_SUPPORTED. To leave a
 * function out of the library, as an old driver does, build it with that name in `without`.
 */
#ifndef NVML_STANDIN_H
#define NVML_STANDIN_H

#include <stdint.h>

enum { MAX_GPUS = 16, MAX_PROCESSES = 64, MAX_SLICES = 8, MAX_TEXT = 96 };

/* The return codes of nvml.h that are used here. */
enum {
    SUCCESS = 0, UNINITIALIZED = 1, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6,
    INSUFFICIENT_SIZE = 7, GPU_IS_LOST = 15, ARGUMENT_VERSION_MISMATCH = 25
};

enum key {
    UTILIZATION, MEMORY_UTILIZATION, MEMORY_TOTAL, MEMORY_USED, SM_CLOCK, MEMORY_CLOCK, POWER,
    TEMPERATURE, THROTTLE, PCIE_TX, PCIE_RX, MIG, GPM_SM, GPM_TENSOR, PROCESSES,
    PROCESS_UTILIZATION, SAMPLES, LOST, INIT, COUNT, KEYS
};

struct point { double at_s; double value; int error; int hangs; };
struct series { struct point *points; int size; };
struct process { unsigned pid; double at_s; int is_gone; long long memory; int sm; };
struct slice { unsigned long long total, used; };
struct gpu {
    char name[MAX_TEXT], uuid[MAX_TEXT];
    struct series series[KEYS];
    struct process processes[MAX_PROCESSES];
    struct slice slices[MAX_SLICES];
    int process_count, slice_count, crowd;
};
struct driver {
    struct gpu gpus[MAX_GPUS];
    struct series init, count, shutdown;
    char version[MAX_TEXT];
    int gpu_count, sample_period_ms, samples_from_boot, pcie_block_ms, call_us;
    int64_t epoch_ns;
};

extern struct driver driver;

/* script.c */
void load_script(void);          /* once; ends the process with a message if it is wrong */
int64_t unix_ns(void);
double script_second(int64_t at_ns);
const struct point *point_at(const struct series *series, double second);
double mean_between(const struct series *series, double from_s, double to_s);
int answer(const struct series *series, double *value); /* now; an error code, or hangs */

/* calls.c */
void count_call(const char *name);
void write_calls(void);
extern int gpm_samples_alive;

#endif
