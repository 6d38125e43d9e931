/* Stands for NVIDIA's driver library (NVML) where tests run, since there is no GPU: two GPUs, of which the second does
   not know its power. Functions and numbers as NVIDIA documents them in nvml.h. Whoever asks from a thread that is not
   for it ends the process. */
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

enum { SUCCESS = 0, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3 };
typedef struct { int number; } *Device;
static struct { int number; } devices[2] = {{0}, {1}};

static void only(const char *first, const char *second) {
    char name[16] = {0};
    prctl(PR_GET_NAME, name);
    if (strcmp(name, first) != 0 && strcmp(name, second) != 0) abort();
}
static void asked(void) { only("assay-gpus", "assay-capture"); }
static void sampled(void) { only("assay-gpus", "assay-gpus"); }

int nvmlInit_v2(void) { asked(); return SUCCESS; }
int nvmlShutdown(void) { return SUCCESS; }
int nvmlDeviceGetCount_v2(unsigned *count) { asked(); *count = 2; return SUCCESS; }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, Device *device) {
    asked();
    if (index > 1) return INVALID_ARGUMENT;
    *device = (Device)&devices[index];
    return SUCCESS;
}
int nvmlSystemGetDriverVersion(char *text, unsigned length) {
    asked();
    strncpy(text, "550.54.15", length);
    return SUCCESS;
}
int nvmlSystemGetCudaDriverVersion_v2(int *version) { asked(); *version = 12040; return SUCCESS; }
int nvmlDeviceGetName(Device device, char *text, unsigned length) {
    asked();
    strncpy(text, device->number == 0 ? "Stand-in A100" : "Stand-in T4", length);
    return SUCCESS;
}
int nvmlDeviceGetUtilizationRates(Device device, unsigned rates[2]) {
    sampled();
    rates[0] = 37 + device->number;
    rates[1] = 5;
    return SUCCESS;
}
int nvmlDeviceGetMemoryInfo_v2(Device device, struct { unsigned version; unsigned long long total, reserved, free, used; } *memory) {
    sampled();
    (void)device;
    memory->total = 80000000000ULL;
    memory->reserved = 0;
    memory->free = 78500000000ULL;
    memory->used = 1500000000ULL;
    return SUCCESS;
}
int nvmlDeviceGetTemperature(Device device, int sensor, unsigned *celsius) {
    sampled();
    if (sensor != 0) return INVALID_ARGUMENT;
    *celsius = 41 + device->number;
    return SUCCESS;
}
int nvmlDeviceGetPowerUsage(Device device, unsigned *milliwatts) {
    sampled();
    if (device->number == 1) return NOT_SUPPORTED;
    *milliwatts = 123456;
    return SUCCESS;
}
