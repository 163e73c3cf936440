/* The script: parsing it, and what it says of a moment. */
#define _GNU_SOURCE
#include "standin.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct driver driver;

static const char *const key_names[KEYS] = {
    "utilization", "memory_utilization", "memory_total", "memory_used", "sm_clock",
    "memory_clock", "power", "temperature", "throttle", "pcie_tx", "pcie_rx", "mig", "gpm_sm",
    "gpm_tensor", "processes", "process_utilization", "samples", "lost", "init", "count",
};
static const double defaults[KEYS] = {
    [UTILIZATION] = 30, [MEMORY_UTILIZATION] = 10, [MEMORY_TOTAL] = 80e9, [MEMORY_USED] = 10e9,
    [SM_CLOCK] = 1500, [MEMORY_CLOCK] = 2600, [POWER] = 200000, [TEMPERATURE] = 50,
    [PCIE_TX] = 1000, [PCIE_RX] = 2000,
};
static const struct { const char *name; int code; } errors[] = {
    {"UNINITIALIZED", 1}, {"INVALID_ARGUMENT", 2}, {"NOT_SUPPORTED", 3}, {"NO_PERMISSION", 4},
    {"NOT_FOUND", 6}, {"INSUFFICIENT_POWER", 8}, {"DRIVER_NOT_LOADED", 9}, {"TIMEOUT", 10},
    {"IRQ_ISSUE", 11}, {"FUNCTION_NOT_FOUND", 13}, {"GPU_IS_LOST", 15}, {"RESET_REQUIRED", 16},
    {"OPERATING_SYSTEM", 17}, {"LIB_RM_VERSION_MISMATCH", 18}, {"MEMORY", 20}, {"NO_DATA", 21},
    {"UNKNOWN", 999},
};

int64_t unix_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

double script_second(int64_t at_ns) { return (double)(at_ns - driver.epoch_ns) / 1e9; }

static void wrong(const char *what, const char *entry) {
    fprintf(stderr, "NVML stand-in: %s: %s\n", what, entry);
    _exit(97);
}

static void insert(struct series *series, int position, struct point point) {
    series->points = realloc(series->points, (size_t)(series->size + 1) * sizeof point);
    if (!series->points) wrong("no memory", "");
    memmove(series->points + position + 1, series->points + position, (size_t)(series->size - position) * sizeof point);
    series->points[position] = point;
    series->size++;
}

static void add_point(struct series *series, struct point point, const char *entry) {
    if (series->size && series->points[series->size - 1].at_s > point.at_s)
        wrong("entries of a key go forward in time", entry);
    insert(series, series->size, point);
}

/* Takes "@SECOND" off the end of the words; 0 if there is none. */
static double take_second(char **words, int *count) {
    if (*count && words[*count - 1][0] == '@') return atof(words[--*count] + 1);
    return -1e18; /* since ever */
}

static struct point parse_value(const char *word, double at_s, const char *entry) {
    struct point point = {at_s, 0, SUCCESS, 0};
    if (word[0] == '!') {
        for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
            if (!strcmp(errors[i].name, word + 1)) point.error = errors[i].code;
        if (!point.error) wrong("no such error", entry);
    } else if (!strcmp(word, "hang")) {
        point.hangs = 1;
    } else {
        char *end;
        point.value = strtod(word, &end);
        if (*end) wrong("no value", entry);
    }
    return point;
}

static void of_driver(char **words, int count, const char *entry) {
    double at_s = take_second(words, &count);
    if (count != 2) wrong("driver KEY VALUE", entry);
    int number = atoi(words[1]);
    if (!strcmp(words[0], "init")) add_point(&driver.init, parse_value(words[1], at_s, entry), entry);
    else if (!strcmp(words[0], "count")) add_point(&driver.count, parse_value(words[1], at_s, entry), entry);
    else if (!strcmp(words[0], "shutdown")) add_point(&driver.shutdown, parse_value(words[1], at_s, entry), entry);
    else if (!strcmp(words[0], "version")) snprintf(driver.version, MAX_TEXT, "%s", words[1]);
    else if (!strcmp(words[0], "sample_period_ms")) driver.sample_period_ms = number;
    else if (!strcmp(words[0], "samples_from_boot")) driver.samples_from_boot = number;
    else if (!strcmp(words[0], "pcie_block_ms")) driver.pcie_block_ms = number;
    else if (!strcmp(words[0], "call_us")) driver.call_us = number;
    else wrong("no such key of the driver", entry);
}

static void of_process(struct gpu *gpu, char **words, int count, const char *entry) {
    double at_s = take_second(words, &count);
    if (count < 2 || gpu->process_count == MAX_PROCESSES) wrong("a process", entry);
    struct process *process = &gpu->processes[gpu->process_count++];
    *process = (struct process){(unsigned)atoi(words[1]), at_s, 0, -1, -1};
    for (int i = 2; i < count; i++) {
        if (!strcmp(words[i], "gone")) process->is_gone = 1;
        else if (!strncmp(words[i], "memory=", 7)) process->memory = strcmp(words[i] + 7, "none") ? atoll(words[i] + 7) : -1;
        else if (!strncmp(words[i], "sm=", 3)) process->sm = strcmp(words[i] + 3, "none") ? atoi(words[i] + 3) : -1;
        else wrong("memory=, sm= or gone", entry);
    }
}

static void of_gpu(struct gpu *gpu, char **words, int count, const char *text, const char *entry) {
    if (count < 2) wrong("G KEY VALUE", entry);
    if (!strcmp(words[0], "crowd")) { gpu->crowd = atoi(words[1]); return; }
    if (!strcmp(words[0], "process")) { of_process(gpu, words, count, entry); return; }
    if (!strcmp(words[0], "name")) { snprintf(gpu->name, MAX_TEXT, "%s", text); return; }
    if (!strcmp(words[0], "uuid")) { snprintf(gpu->uuid, MAX_TEXT, "%s", text); return; }
    if (!strcmp(words[0], "slice")) {
        if (count != 3 || gpu->slice_count == MAX_SLICES) wrong("slice TOTAL USED", entry);
        gpu->slices[gpu->slice_count++] = (struct slice){strtoull(words[1], 0, 10), strtoull(words[2], 0, 10)};
        return;
    }
    double at_s = take_second(words, &count);
    for (int key = 0; key < KEYS; key++)
        if (!strcmp(key_names[key], words[0]) && count == 2) {
            add_point(&gpu->series[key], parse_value(words[1], at_s, entry), entry);
            return;
        }
    wrong("no such key", entry);
}

static void parse_entry(char *entry) {
    char copy[1024], *words[32], *rest = copy, *word, *text;
    int count = 0;
    entry[strcspn(entry, "#")] = 0;
    if (strlen(entry) >= sizeof copy) wrong("too long", entry);
    strcpy(copy, entry);
    while (count < 32 && (word = strtok_r(rest, " \t\r", &rest))) words[count++] = word;
    if (!count) return;
    if (count < 2) wrong("an entry has two words or more", entry);
    if (!strcmp(words[0], "gpus")) {
        driver.gpu_count = atoi(words[1]);
        if (driver.gpu_count < 0 || driver.gpu_count > MAX_GPUS) wrong("0 to 16 GPUs", entry);
        return;
    }
    if (!strcmp(words[0], "driver")) { of_driver(words + 1, count - 1, entry); return; }
    text = strstr(entry, words[1]) + strlen(words[1]);
    text += strspn(text, " \t");
    for (int i = 0; i < driver.gpu_count; i++)
        if (!strcmp(words[0], "*") || (strspn(words[0], "0123456789") == strlen(words[0]) && atoi(words[0]) == i))
            of_gpu(&driver.gpus[i], words + 1, count - 1, text, entry);
    if (strcmp(words[0], "*") && (strspn(words[0], "0123456789") != strlen(words[0]) || atoi(words[0]) >= driver.gpu_count))
        wrong("no such GPU", entry);
}

static char *script_text(void) {
    const char *inline_text = getenv("NVML_STANDIN"), *path = getenv("NVML_STANDIN_SCRIPT");
    if (inline_text) return strdup(inline_text);
    if (!path) return strdup("");
    FILE *file = fopen(path, "r");
    char *text = calloc(1, 1 << 20);
    if (!file || !text) wrong("cannot read the script", path);
    size_t size = fread(text, 1, (1 << 20) - 1, file);
    fclose(file);
    text[size] = 0;
    return text;
}

/* Every key has a value since ever. */
static void fill_defaults(struct gpu *gpu) {
    for (int key = 0; key < KEYS; key++) {
        struct series *series = &gpu->series[key];
        if (series->size && series->points[0].at_s < -1e17) continue;
        int is_absent = key == MIG || key == GPM_SM || key == GPM_TENSOR;
        insert(series, 0, (struct point){-1e18, defaults[key], is_absent ? NOT_SUPPORTED : SUCCESS, 0});
    }
}

static void load_once(void) {
    driver.gpu_count = 1;
    driver.sample_period_ms = driver.pcie_block_ms = 20;
    snprintf(driver.version, MAX_TEXT, "550.54");
    for (int i = 0; i < MAX_GPUS; i++) {
        snprintf(driver.gpus[i].name, MAX_TEXT, "Stand-in GPU");
        snprintf(driver.gpus[i].uuid, MAX_TEXT, "GPU-00000000-0000-0000-0000-%012d", i);
    }
    char *text = script_text(), *rest = text, *entry;
    while ((entry = strtok_r(rest, "\n;", &rest))) parse_entry(entry);
    free(text);
    for (int i = 0; i < driver.gpu_count; i++) fill_defaults(&driver.gpus[i]);
    const char *epoch = getenv("NVML_STANDIN_EPOCH_NS");
    driver.epoch_ns = epoch ? atoll(epoch) : unix_ns();
}

void load_script(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load_once);
}

const struct point *point_at(const struct series *series, double second) {
    const struct point *found = 0;
    for (int i = 0; i < series->size && series->points[i].at_s <= second; i++) found = &series->points[i];
    return found;
}

static double value_at(const struct series *series, double second) {
    const struct point *point = point_at(series, second);
    return point ? point->value : 0;
}

double mean_between(const struct series *series, double from_s, double to_s) {
    double sum = 0, at_s = from_s;
    for (int i = 0; i < series->size; i++) {
        double edge_s = series->points[i].at_s;
        if (edge_s <= from_s || edge_s >= to_s) continue;
        sum += value_at(series, at_s) * (edge_s - at_s);
        at_s = edge_s;
    }
    return (sum + value_at(series, at_s) * (to_s - at_s)) / (to_s - from_s);
}

int answer(const struct series *series, double *value) {
    const struct point *point = point_at(series, script_second(unix_ns()));
    while (point && point->hangs) pause();
    *value = point ? point->value : 0;
    return point ? point->error : SUCCESS;
}
