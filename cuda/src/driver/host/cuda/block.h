// Runs the threads of a block on one thread of the processor.
//
// They run one after another in a loop until one comes to a barrier. There it is left where it stands, on a stack of
// its own, and the loop goes on with the next thread on another stack (a fiber). Once all threads wait or have
// returned, those that waited go on. So a kernel without barriers is a plain loop, and nothing need be known of it.
#pragma once

#include <setjmp.h>
#include <sys/mman.h>
#include <ucontext.h>

static uint3 threadIdx, blockIdx;
static dim3 blockDim, gridDim;
static const int warpSize = 32;

namespace assay {

// Like Grid in launch.rs.
struct Grid { unsigned blocks[3], threads[3]; };
// What a kernel was stopped by: a code of cuda.h, 0 if it wasn't, and a sentence.
struct Stop { int code; const char *reason; };

constexpr unsigned MOST_THREADS = 1024, WARP = 32;
constexpr size_t STACK = 64 << 10, PAGE = 4096;
constexpr int OUT_OF_MEMORY = 2, ASSERT = 710, LAUNCH_FAILED = 719;
constexpr unsigned long long POISON = ~0ull;

// Dynamic shared memory: as much as a block may have that asked for no more.
alignas(16) static unsigned char dynamic[48 << 10];

enum class State : char { Ready, AtBlock, AtWarp, Ended };

struct Fiber { void *stack; bool begun; jmp_buf at; };
struct Thread {
    State state;
    Fiber *fiber;
    unsigned mask;                     // lanes that the barrier of the warp is for
    unsigned long long offered, taken; // what it gave to the others; what they see of it
};

static Fiber fibers[MOST_THREADS];
static Fiber *idle[MOST_THREADS];
static Thread threads[MOST_THREADS];
static unsigned idle_count, begun, count, current;
static Fiber *running;
static jmp_buf scheduler;
static void (*body)();
static Stop stop;

static void enter(unsigned thread) {
    current = thread;
    threadIdx = {thread % blockDim.x, thread / blockDim.x % blockDim.y, thread / (blockDim.x * blockDim.y)};
}

// From a fiber to whoever can run; returns when somebody comes back to it. Threads that wait for others to begin, or
// for all to meet, are the scheduler's; else the next that can go on is gone to at once.
__attribute__((noinline)) static void leave() {
    if (!_setjmp(running->at)) {
        for (unsigned t = current + 1; begun == count && t < count; t++) {
            if (threads[t].state != State::Ready) continue;
            enter(t);
            running = threads[t].fiber;
            _longjmp(running->at, 1);
        }
        _longjmp(scheduler, 1);
    }
    // The other threads have written to shared memory, and threadIdx is another.
    __asm__ volatile("" ::: "memory");
}

static void fiber() {
    for (;;) {
        while (begun < count) {
            enter(begun++);
            body();
            threads[current].state = State::Ended;
        }
        idle[idle_count++] = running;
        leave();
    }
}

[[noreturn]] static void halt(int code, const char *reason) {
    stop = {code, reason};
    _longjmp(scheduler, 1);
}

static bool has_stack(Fiber &fiber) {
    if (fiber.stack) return true;
    void *at = mmap(nullptr, STACK + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) return false;
    // Below it, a page that can't be written: a stack that overflows must not run into another.
    mprotect(at, PAGE, PROT_NONE);
    fiber.stack = static_cast<char *>(at) + PAGE;
    return true;
}

static void resume(Fiber &next) {
    running = &next;
    if (_setjmp(scheduler)) return;
    if (next.begun) _longjmp(next.at, 1);
    if (!has_stack(next)) halt(OUT_OF_MEMORY, "no memory for the stacks of a block");
    static ucontext_t context;
    getcontext(&context);
    context.uc_stack = {next.stack, 0, STACK};
    context.uc_link = nullptr;
    makecontext(&context, fiber, 0);
    next.begun = true;
    setcontext(&context);
}

static void take(Thread &thread) {
    thread.taken = thread.offered;
    thread.state = State::Ready;
}

// Lets the threads of a warp go on if all lanes that one of them waits for wait for the same, or have returned.
static bool release_warp(Thread *lanes, unsigned size) {
    bool released = false;
    for (unsigned first = 0; first < size; first++) {
        if (lanes[first].state != State::AtWarp) continue;
        unsigned mask = lanes[first].mask;
        bool complete = true;
        for (unsigned lane = 0; lane < size; lane++) {
            const Thread &other = lanes[lane];
            bool there = other.state == State::Ended || (other.state == State::AtWarp && other.mask == mask);
            complete &= there || !(mask >> lane & 1);
        }
        if (!complete) continue;
        for (unsigned lane = 0; lane < size; lane++) {
            if (!(mask >> lane & 1)) continue;
            if (lanes[lane].state == State::AtWarp) take(lanes[lane]);
            else lanes[lane].taken = POISON;
        }
        released = true;
    }
    return released;
}

static bool release_block() {
    for (unsigned t = 0; t < count; t++)
        if (threads[t].state == State::AtWarp) return false;
    for (unsigned t = 0; t < count; t++) {
        if (threads[t].state == State::AtBlock) take(threads[t]);
        else threads[t].taken = 0;
    }
    return true;
}

// Runs whoever can run. Whether any could.
static bool pass() {
    bool any = false;
    for (unsigned t = 0; t < count && !stop.code; t++) {
        if (threads[t].state != State::Ready) continue;
        any = true;
        Fiber &fiber = *threads[t].fiber;
        enter(t);
        resume(fiber);
    }
    return any;
}

static bool live() {
    for (unsigned t = 0; t < count; t++)
        if (threads[t].state != State::Ended) return true;
    return false;
}

static void run_block() {
    begun = 0;
    while (begun < count && !stop.code) resume(*idle[--idle_count]);
    while (!stop.code && live()) {
        if (pass()) continue;
        bool released = false;
        for (unsigned warp = 0; warp < count; warp += WARP)
            released |= release_warp(threads + warp, count - warp < WARP ? count - warp : WARP);
        if (!released && !release_block())
            stop = {LAUNCH_FAILED, "threads wait for each other at different barriers"};
    }
}

// Before the first launch, and after one that was stopped: what its threads were doing is forgotten.
static void forget() {
    for (unsigned f = 0; f < MOST_THREADS; f++) {
        fibers[f].begun = false;
        idle[MOST_THREADS - 1 - f] = &fibers[f];
    }
    idle_count = MOST_THREADS;
}

static Stop run(void (*kernel)(), const Grid &grid) {
    if (!idle_count) forget();
    body = kernel;
    stop = {0, ""};
    gridDim = dim3(grid.blocks[0], grid.blocks[1], grid.blocks[2]);
    blockDim = dim3(grid.threads[0], grid.threads[1], grid.threads[2]);
    count = blockDim.x * blockDim.y * blockDim.z;
    for (unsigned z = 0; z < gridDim.z; z++)
        for (unsigned y = 0; y < gridDim.y; y++)
            for (unsigned x = 0; x < gridDim.x; x++) {
                blockIdx = {x, y, z};
                run_block();
                if (stop.code) {
                    forget();
                    return stop;
                }
            }
    return stop;
}

static void wait(State state, unsigned mask, unsigned long long offered) {
    Thread &self = threads[current];
    self.state = state;
    self.fiber = running;
    self.mask = mask;
    self.offered = offered;
    leave();
}

template <class T> static T exchange(unsigned mask, T value, unsigned lane, bool inside) {
    static_assert(sizeof(T) <= 8, "a shuffle takes at most 64 bits");
    unsigned long long bits = 0;
    memcpy(&bits, &value, sizeof value);
    wait(State::AtWarp, mask, bits);
    if (!inside) return value;
    unsigned from = current / WARP * WARP + lane;
    bits = from < count && (mask >> lane & 1) ? threads[from].taken : POISON;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static unsigned sum_of_block(int predicate) {
    wait(State::AtBlock, 0, predicate != 0);
    unsigned sum = 0;
    for (unsigned t = 0; t < count; t++) sum += unsigned(threads[t].taken);
    return sum;
}

// A kernel with the parameters of a launch: pointers to them, as cuLaunchKernel takes them.
static void **parameters;
template <auto kernel> struct Kernel;
template <class... P, void (*kernel)(P...)> struct Kernel<kernel> {
    template <size_t... I> static void call(std::index_sequence<I...>) {
        kernel(*static_cast<std::remove_cv_t<P> *>(parameters[I])...);
    }
    static void body() { call(std::index_sequence_for<P...>{}); }
    static Stop launch(void **with, const Grid &grid) {
        parameters = with;
        return run(body, grid);
    }
    // One byte for each parameter, 1 for a pointer; 2 ends them.
    static const unsigned char *kinds() {
        static const unsigned char kinds[] = {std::is_pointer_v<P>..., 2};
        return kinds;
    }
};

} // namespace assay

static inline void __syncthreads() { assay::wait(assay::State::AtBlock, 0, 0); }
static inline int __syncthreads_count(int predicate) { return int(assay::sum_of_block(predicate)); }
static inline int __syncthreads_or(int predicate) { return assay::sum_of_block(predicate) != 0; }
static inline int __syncthreads_and(int predicate) { return assay::sum_of_block(!predicate) == 0; }
static inline void __syncwarp(unsigned mask = ~0u) { assay::wait(assay::State::AtWarp, mask, 0); }

template <class T> static T __shfl_sync(unsigned mask, T value, int lane, int width = 32) {
    unsigned self = assay::current % 32, base = self & ~unsigned(width - 1);
    return assay::exchange(mask, value, base + (unsigned(lane) & unsigned(width - 1)), true);
}
template <class T> static T __shfl_down_sync(unsigned mask, T value, unsigned by, int width = 32) {
    unsigned self = assay::current % 32, end = (self & ~unsigned(width - 1)) + unsigned(width);
    return assay::exchange(mask, value, self + by, self + by < end);
}
template <class T> static T __shfl_up_sync(unsigned mask, T value, unsigned by, int width = 32) {
    unsigned self = assay::current % 32, base = self & ~unsigned(width - 1);
    return assay::exchange(mask, value, self - by, self >= base + by);
}
template <class T> static T __shfl_xor_sync(unsigned mask, T value, int with, int width = 32) {
    unsigned self = assay::current % 32, end = (self & ~unsigned(width - 1)) + unsigned(width);
    unsigned other = self ^ unsigned(with);
    return assay::exchange(mask, value, other, other < end);
}
static unsigned __ballot_sync(unsigned mask, int predicate) {
    assay::wait(assay::State::AtWarp, mask, predicate != 0);
    unsigned first = assay::current / 32 * 32, ballot = 0;
    for (unsigned lane = 0; lane < 32 && first + lane < assay::count; lane++)
        if (mask >> lane & 1) ballot |= unsigned(assay::threads[first + lane].taken == 1) << lane;
    return ballot;
}
static int __any_sync(unsigned mask, int predicate) { return __ballot_sync(mask, predicate) != 0; }
static int __all_sync(unsigned mask, int predicate) { return __ballot_sync(mask, !predicate) == 0; }
[[noreturn]] static void __trap() { assay::halt(assay::LAUNCH_FAILED, "__trap() was called"); }

#undef assert
#define assert(what) ((what) ? (void)0 : assay::halt(assay::ASSERT, "assertion failed: " #what))
