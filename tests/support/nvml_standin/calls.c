/* What was called how often, for tests of what is asked of the driver and given back to it. */
#define _GNU_SOURCE
#include "standin.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NAMES = 64 };

static struct { const char *name; long count; } calls[MAX_NAMES];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
int gpm_samples_alive;

void count_call(const char *name) {
    pthread_mutex_lock(&lock);
    for (int i = 0; i < MAX_NAMES; i++)
        if (!calls[i].name || !strcmp(calls[i].name, name)) {
            calls[i].name = name;
            calls[i].count++;
            break;
        }
    pthread_mutex_unlock(&lock);
}

void write_calls(void) {
    const char *path = getenv("NVML_STANDIN_LOG");
    FILE *file = path ? fopen(path, "w") : 0;
    if (!file) return;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < MAX_NAMES && calls[i].name; i++)
        fprintf(file, "%s %ld\n", calls[i].name, calls[i].count);
    fprintf(file, "gpm_samples_alive %d\n", gpm_samples_alive);
    pthread_mutex_unlock(&lock);
    fclose(file);
}

__attribute__((destructor)) static void at_end(void) { write_calls(); }
