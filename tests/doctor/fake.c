// Libraries with NVIDIA's names that answer what a test says: which one, with -DDRIVER, -DBLAS or -DNVRTC.
#include <stddef.h>
#include <string.h>

#ifdef DRIVER
int cuDriverGetVersion(int *version) { *version = VERSION; return 0; }
int cuInit(unsigned flags) { return flags ? 1 : INIT; }
int cuDeviceGetCount(int *count) { *count = DEVICES; return 0; }
int cuDeviceGet(int *device, int ordinal) { *device = ordinal; return 0; }
int cuDeviceGetName(char *name, int length, int device) {
    strncpy(name, device ? "Fake 8 GB" : "Fake 80 GB", length);
    return 0;
}
int cuDeviceTotalMem_v2(size_t *bytes, int device) {
    *bytes = (device ? 8ull : 80ull) << 30;
    return 0;
}
int cuDeviceGetAttribute(int *value, int attribute, int device) {
    *value = attribute == 75 ? CAPABILITY / 10 : CAPABILITY % 10;
    return attribute == 75 || attribute == 76 ? 0 : 1;
}
#endif

#ifdef BLAS
int cublasGetProperty(int property, int *value) {
    *value = property == 0 ? VERSION / 1000 : VERSION % 1000 / 10;
    return 0;
}
#endif

#ifdef NVRTC
int nvrtcVersion(int *major, int *minor) {
    *major = VERSION / 1000;
    *minor = VERSION % 1000 / 10;
    return 0;
}
int nvrtcGetNumSupportedArchs(int *count) { *count = 3; return 0; }
int nvrtcGetSupportedArchs(int *all) {
    all[0] = 75;
    all[1] = 80;
    all[2] = 90;
    return 0;
}
int nvrtcCreateProgram(void) { return 1; }
int nvrtcCompileProgram(void) { return 1; }
int nvrtcDestroyProgram(void) { return 1; }
int nvrtcGetProgramLogSize(void) { return 1; }
int nvrtcGetProgramLog(void) { return 1; }
int nvrtcGetCUBINSize(void) { return 1; }
#ifndef TOO_OLD
int nvrtcGetCUBIN(void) { return 1; }
#endif
#endif
