//! What a program gets from std and libc elsewhere: a beginning, an end, memory, and four ways to move bytes.
//!
//! Linux on x86-64. Everything unsafe is in here.

use core::alloc::{GlobalAlloc, Layout};
use core::arch::{asm, naked_asm};
use core::cell::UnsafeCell;
use core::fmt::{self, Write};
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicUsize, Ordering};

/// Prints to standard output, piece by piece.
pub fn print(text: fmt::Arguments<'_>) {
    struct Stdout;
    impl Write for Stdout {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            // write(1, text): how much was written does not matter here.
            // SAFETY: the kernel only reads the bytes of `text`, which is alive during the call.
            unsafe { system_call(1, 1, text.as_ptr().addr(), text.len()) };
            Ok(())
        }
    }
    let _ = Stdout.write_fmt(text);
}

fn exit(code: i32) -> ! {
    loop {
        // SAFETY: exit_group takes no pointer, and does not return.
        unsafe { system_call(231, code as usize, 0, 0) };
    }
}

/// # Safety
/// The call and its arguments must be such that the kernel touches no memory that is not given to it.
unsafe fn system_call(number: usize, first: usize, second: usize, third: usize) -> usize {
    let result;
    // SAFETY: the kernel's calling convention; it overwrites rax, rcx and r11 only. The rest is the caller's promise.
    unsafe {
        asm!("syscall", inlateout("rax") number => result, in("rdi") first, in("rsi") second, in("rdx") third,
            lateout("rcx") _, lateout("r11") _);
    }
    result
}

/// The entry point. The kernel aligns the stack to 16 bytes, as the call needs it.
#[unsafe(no_mangle)]
#[unsafe(naked)]
extern "C" fn _start() -> ! {
    naked_asm!("xor ebp, ebp", "call {main}", "ud2", main = sym main)
}

extern "C" fn main() -> ! {
    exit(crate::run())
}

/// std has one too: with std anywhere among the dependencies there would be two, which is an error.
#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    print(format_args!("{info}\n"));
    exit(101)
}

/// Hands out memory from the front of a fixed piece and takes none back.
struct Bump {
    memory: UnsafeCell<[u8; Self::SIZE]>,
    used: AtomicUsize,
}

impl Bump {
    const SIZE: usize = 1 << 20;
}

// SAFETY: no two calls get the same part of the memory, for `used` only grows and is atomic.
unsafe impl Sync for Bump {}

// SAFETY: what is returned is aligned, within the memory, and never handed out twice; null when nothing is left.
unsafe impl GlobalAlloc for Bump {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let base = self.memory.get().cast::<u8>();
        let place = |used: usize| {
            let start = (base.addr() + used).checked_next_multiple_of(layout.align())? - base.addr();
            Some((start, start.checked_add(layout.size()).filter(|&end| end <= Self::SIZE)?))
        };
        match self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| place(used).map(|(_, end)| end)) {
            // `place` has just found room for the same `used`, so it finds it again.
            Ok(used) => place(used).map_or(core::ptr::null_mut(), |(start, _)| base.wrapping_add(start)),
            Err(_) => core::ptr::null_mut(),
        }
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static MEMORY: Bump = Bump { memory: UnsafeCell::new([0; Bump::SIZE]), used: AtomicUsize::new(0) };

// Rust's own `alloc` is delivered compiled for unwinding and so names these two. Panics abort here: nothing calls them.

#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume() -> ! {
    exit(102)
}

// The compiler calls the following by name wherever bytes are moved or compared. They are written in assembly, because
// a loop in Rust could be compiled to a call of itself.

#[unsafe(no_mangle)]
#[unsafe(naked)]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
    naked_asm!("mov rax, rdi", "mov rcx, rdx", "rep movsb", "ret")
}

#[unsafe(no_mangle)]
#[unsafe(naked)]
unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
    // Backwards if the target begins within the source.
    naked_asm!(
        "mov rax, rdi",
        "mov rcx, rdx",
        "mov r8, rdi",
        "sub r8, rsi",
        "cmp r8, rdx",
        "jb 2f",
        "rep movsb",
        "ret",
        "2:",
        "lea rdi, [rdi + rdx - 1]",
        "lea rsi, [rsi + rdx - 1]",
        "std",
        "rep movsb",
        "cld",
        "ret",
    )
}

#[unsafe(no_mangle)]
#[unsafe(naked)]
unsafe extern "C" fn memset(to: *mut u8, byte: i32, count: usize) -> *mut u8 {
    naked_asm!("mov r8, rdi", "mov eax, esi", "mov rcx, rdx", "rep stosb", "mov rax, r8", "ret")
}

#[unsafe(no_mangle)]
#[unsafe(naked)]
unsafe extern "C" fn memcmp(left: *const u8, right: *const u8, count: usize) -> i32 {
    // The comparison of nothing with nothing leaves "equal" behind.
    naked_asm!(
        "mov rcx, rdx",
        "xor eax, eax",
        "xchg rdi, rsi",
        "cmp eax, eax",
        "repe cmpsb",
        "seta al",
        "setb cl",
        "movzx eax, al",
        "movzx ecx, cl",
        "sub eax, ecx",
        "ret",
    )
}

#[unsafe(no_mangle)]
#[unsafe(naked)]
unsafe extern "C" fn bcmp(left: *const u8, right: *const u8, count: usize) -> i32 {
    naked_asm!("jmp {memcmp}", memcmp = sym memcmp)
}
