//! Signals: the interrupt button, and a word about a stack that ran over.

use std::sync::atomic::{AtomicUsize, Ordering};

use wire::Page;

use super::{interrupt, page};

/// Lowest address of the main thread's stack; 0 until [`install`].
static STACK_LOW: AtomicUsize = AtomicUsize::new(0);

/// How much stack a cell may use. It is only taken as it is needed; unoptimised code is generous with it.
const STACK_BYTES: u64 = 64 << 20;
/// How far from the stack's end a fault counts as running over it: the system keeps a gap of 1 MiB.
const NEAR: usize = 2 << 20;

extern "C" fn on_interrupt(_: libc::c_int) {
    interrupt::press();
}

extern "C" fn on_fault(signal: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    let low = STACK_LOW.load(Ordering::Relaxed);
    // SAFETY: the system passes a valid `info` to a handler installed with SA_SIGINFO.
    let address = unsafe { (*info).si_addr() } as usize;
    if low != 0 && address >= low.saturating_sub(NEAR) && address < low + NEAR {
        page::word(Page::STACK_OVERFLOW).store(1, Ordering::Relaxed);
    }
    // SAFETY: `signal` and `raise` are allowed in a handler; the fault then ends the process as it would
    // have without us, and the kernel reads how from its exit status.
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
        libc::raise(signal);
    }
}

/// Installs the handlers on the main thread.
pub(super) fn install() {
    // SAFETY: plain system calls with valid, initialised arguments; the alternate stack is leaked on
    // purpose, since the handler may need it until the process ends.
    unsafe {
        let mut limit = std::mem::zeroed::<libc::rlimit>();
        if libc::getrlimit(libc::RLIMIT_STACK, &mut limit) == 0 && limit.rlim_cur < STACK_BYTES {
            limit.rlim_cur = STACK_BYTES.min(limit.rlim_max);
            libc::setrlimit(libc::RLIMIT_STACK, &limit);
        }
        let mut attributes = std::mem::zeroed::<libc::pthread_attr_t>();
        if libc::pthread_getattr_np(libc::pthread_self(), &mut attributes) == 0 {
            let (mut low, mut size) = (std::ptr::null_mut(), 0);
            if libc::pthread_attr_getstack(&attributes, &mut low, &mut size) == 0 {
                STACK_LOW.store(low as usize, Ordering::Relaxed);
            }
            libc::pthread_attr_destroy(&mut attributes);
        }
        let size = 64 << 10;
        let stack = libc::stack_t { ss_sp: libc::malloc(size), ss_flags: 0, ss_size: size };
        libc::sigaltstack(&stack, std::ptr::null_mut());
        let mut fault = std::mem::zeroed::<libc::sigaction>();
        fault.sa_sigaction = on_fault as *const () as usize;
        fault.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        libc::sigaction(libc::SIGSEGV, &fault, std::ptr::null_mut());
        libc::sigaction(libc::SIGBUS, &fault, std::ptr::null_mut());
        let mut interrupt = std::mem::zeroed::<libc::sigaction>();
        interrupt.sa_sigaction = on_interrupt as *const () as usize;
        interrupt.sa_flags = libc::SA_RESTART;
        libc::sigaction(libc::SIGINT, &interrupt, std::ptr::null_mut());
    }
}
