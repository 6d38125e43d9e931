// NVIDIA's libraries as this test needs them, one with each of -DDRIVER, -DBLAS and -DNVRTC: memory is the host's,
// copies and launches are done at once. Machine code is 64 bytes of nothing: the driver knows one kernel, exp_fwd_f32,
// and what it does is to double. What they are called with they check.
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef DRIVER
static __thread uintptr_t current;
static int uploads_from_pinned, alive;
static struct { char *at; size_t bytes; } pinned[64];
static int pinned_count;

int cuDriverGetVersion(int *version) { *version = 12090; return 0; }
int cuInit(unsigned flags) { return flags ? 1 : 0; }
int cuDeviceGetCount(int *count) { *count = 1; return 0; }
int cuDeviceGet(int *device, int ordinal) { *device = ordinal; return ordinal == 0 ? 0 : 101; }
int cuDeviceGetName(char *name, int length, int device) { strncpy(name, "Fake GPU", length); return device; }
int cuDeviceTotalMem_v2(size_t *bytes, int device) { *bytes = 1ull << 30; return device; }
int cuDeviceGetAttribute(int *value, int attribute, int device) {
    *value = attribute == 75 ? 9 : 0;
    return device;
}
int cuDevicePrimaryCtxRetain(uintptr_t *context, int device) { *context = 77; return device; }
int cuDevicePrimaryCtxRelease_v2(int device) { return device; }
int cuCtxSetCurrent(uintptr_t context) { current = context; return context == 77 ? 0 : 201; }
int cuMemAlloc_v2(uint64_t *address, size_t bytes) {
    if (current != 77) return 201;
    if (bytes == 0) return 1;
    if (bytes > (256u << 20)) return 2;
    *address = (uint64_t)(uintptr_t)malloc(bytes);
    alive++;
    return 0;
}
int cuMemFree_v2(uint64_t address) { free((void *)(uintptr_t)address); alive--; return 0; }
int cuMemGetInfo_v2(size_t *bytes, size_t *total) { *bytes = 128u << 20; *total = 1ull << 30; return 0; }
int cuMemHostAlloc(void **address, size_t bytes, unsigned flags) {
    *address = malloc(bytes);
    pinned[pinned_count].at = *address;
    pinned[pinned_count++].bytes = bytes;
    return flags;
}
int cuMemsetD8Async(uint64_t to, unsigned char byte, size_t bytes, uintptr_t stream) {
    memset((void *)(uintptr_t)to, byte, bytes);
    return 0;
}
int cuMemcpyHtoDAsync_v2(uint64_t to, const void *from, size_t bytes, uintptr_t stream) {
    for (int i = 0; i < pinned_count; i++)
        if ((char *)from >= pinned[i].at && (char *)from < pinned[i].at + pinned[i].bytes) uploads_from_pinned++;
    memcpy((void *)(uintptr_t)to, from, bytes);
    return 0;
}
int cuMemcpyDtoHAsync_v2(void *to, uint64_t from, size_t bytes, uintptr_t stream) {
    memcpy(to, (void *)(uintptr_t)from, bytes);
    return 0;
}
int cuMemcpyDtoDAsync_v2(uint64_t to, uint64_t from, size_t bytes, uintptr_t stream) {
    memcpy((void *)(uintptr_t)to, (void *)(uintptr_t)from, bytes);
    return 0;
}
int cuModuleLoadData(uintptr_t *module, const void *image) {
    *module = 5;
    return memcmp(image, "\x7f" "ELF", 4) ? 200 : 0;
}
int cuModuleGetFunction(uintptr_t *function, uintptr_t module, const char *name) {
    *function = 6;
    return module == 5 && (!strcmp(name, "exp_fwd_f32") || !strcmp(name, "exp_bwd_f32")) ? 0 : 500;
}
int cuLaunchKernel(uintptr_t function, unsigned bx, unsigned by, unsigned bz, unsigned tx, unsigned ty, unsigned tz,
                   unsigned shared, uintptr_t stream, void **parameters, void **extra) {
    if (function != 6 || extra || bx * by * bz == 0 || tx > 1024) return 1;
    size_t count = *(size_t *)parameters[1];
    const float *from = *(const float **)parameters[2];
    float *to = *(float **)parameters[3];
    // Without an input it is done in place.
    for (size_t i = 0; i < count; i++) to[i] = 2 * (from ? from : to)[i];
    return 0;
}
int cuStreamCreate(uintptr_t *stream, unsigned flags) { *stream = 8; return flags == 1 ? 0 : 1; }
int cuStreamDestroy_v2(uintptr_t stream) { return stream == 8 ? 0 : 400; }
int cuStreamSynchronize(uintptr_t stream) { return stream == 0 || stream == 8 ? 0 : 400; }
int cuStreamWaitEvent(uintptr_t stream, uintptr_t event, unsigned flags) { return event ? 0 : 400; }
int cuEventCreate(uintptr_t *event, unsigned flags) { static uintptr_t next = 100; *event = next++; return 0; }
int cuEventDestroy_v2(uintptr_t event) { return 0; }
int cuEventRecord(uintptr_t event, uintptr_t stream) { return 0; }
int cuEventQuery(uintptr_t event) { return 0; }
int cuEventElapsedTime(float *time, uintptr_t from, uintptr_t to) { *time = 1.5f; return 0; }
// What the test asks about, by a function of its own.
int fakeUploadsFromPinned(void) { return uploads_from_pinned; }
int fakeAlive(void) { return alive; }
#endif

#ifdef BLAS
// Who calls these by their plain names finds ours, of the test's program, if the loader lets it.
int cublasCreate_v2(uintptr_t *handle) { *handle = 9; return 0; }
int cublasGetProperty(int property, int *value) { *value = property == 0 ? 12 : 9; return 0; }
int cublasSetStream_v2(uintptr_t handle, uintptr_t stream) { return handle == 9 ? 0 : 1; }
static void gemm(int ta, int tb, int m, int n, int k, float alpha, const float *a, int lda, const float *b, int ldb,
                 float beta, float *c, int ldc) {
    for (int j = 0; j < n; j++)
        for (int i = 0; i < m; i++) {
            float sum = 0;
            for (int l = 0; l < k; l++) sum += (ta ? a[i * lda + l] : a[l * lda + i]) * (tb ? b[l * ldb + j] : b[j * ldb + l]);
            c[j * ldc + i] = alpha * sum + (beta == 0 ? 0 : beta * c[j * ldc + i]);
        }
}
int cublasGemmEx(uintptr_t handle, int ta, int tb, int m, int n, int k, const void *alpha, const void *a, int at, int lda,
                 const void *b, int bt, int ldb, const void *beta, void *c, int ct, int ldc, int compute, int algorithm) {
    // CUDA_R_32F, and the compute type that the precision asks for.
    const char *wanted = getenv("FAKE_COMPUTE");
    if (handle != 9 || at || bt || ct || algorithm != -1 || compute != (wanted ? atoi(wanted) : 77)) return 7;
    gemm(ta, tb, m, n, k, *(float *)alpha, a, lda, b, ldb, *(float *)beta, c, ldc);
    return 0;
}
int cublasGemmStridedBatchedEx(uintptr_t handle, int ta, int tb, int m, int n, int k, const void *alpha, const float *a,
                               int at, int lda, long long sa, const float *b, int bt, int ldb, long long sb,
                               const void *beta, float *c, int ct, int ldc, long long sc, int batch, int compute,
                               int algorithm) {
    if (handle != 9 || at || bt || ct) return 7;
    for (int i = 0; i < batch; i++)
        gemm(ta, tb, m, n, k, *(float *)alpha, a + i * sa, lda, b + i * sb, ldb, *(float *)beta, c + i * sc, ldc);
    return 0;
}
#endif

#ifdef NVRTC
int nvrtcVersion(int *major, int *minor) { *major = 12; *minor = 9; return 0; }
int nvrtcGetNumSupportedArchs(int *count) { *count = 1; return 0; }
int nvrtcGetSupportedArchs(int *all) { all[0] = 90; return 0; }
int nvrtcCreateProgram(uintptr_t *program, const char *text, const char *name, int count, const char *const *texts,
                       const char *const *names) { *program = 3; return text ? 0 : 1; }
int nvrtcCompileProgram(uintptr_t program, int count, const char *const *options) {
    for (int i = 0; i < count; i++) if (!strcmp(options[i], "--gpu-architecture=sm_90")) return 0;
    return 5;
}
int nvrtcDestroyProgram(uintptr_t *program) { return 0; }
int nvrtcGetProgramLogSize(uintptr_t program, size_t *size) { *size = 1; return 0; }
int nvrtcGetProgramLog(uintptr_t program, char *log) { *log = 0; return 0; }
int nvrtcGetCUBINSize(uintptr_t program, size_t *size) { *size = 64; return 0; }
int nvrtcGetCUBIN(uintptr_t program, char *cubin) { memset(cubin, 0, 64); memcpy(cubin, "\x7f" "ELF", 4); return 0; }
#endif
