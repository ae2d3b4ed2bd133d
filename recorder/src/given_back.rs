//! What a start needed of the program's file and a session does not, given back.
//!
//! Reading arguments and looking at who is who runs once through much of the code, and the system maps 64 KiB around each
//! place of a file that is used: megabytes that would count as ours for as long as the session lasts. What is needed again
//! comes back by itself, a microsecond each time, out of the memory in which the system keeps the file anyway.
//!
//! *Invariant*: only what nobody can write is given back, so that it is as in the file. *Not here*: memory that is ours, and
//! libraries, whose pages are in use by others as well.

use std::ffi::c_void;
use std::slice;

use nix::libc::{self, c_int, dl_phdr_info, size_t};

/// Gives it back.
pub(crate) fn give_back() {
    // SAFETY: it calls the function with what is valid for as long as that lasts.
    #[expect(unsafe_code, reason = "only the linker knows what is where")]
    unsafe {
        libc::dl_iterate_phdr(Some(of_file), std::ptr::null_mut());
    }
}

/// Told of the program first, which is enough.
#[expect(unsafe_code, reason = "the linker calls it")]
unsafe extern "C" fn of_file(file: *mut dl_phdr_info, _size: size_t, _data: *mut c_void) -> c_int {
    // SAFETY: it is the linker's, and stays while we are called.
    #[expect(unsafe_code, reason = "only the linker knows what is where")]
    let file = unsafe { &*file };
    // SAFETY: the file is mapped, and with it its table, which is as long as this says.
    #[expect(unsafe_code, reason = "only the linker knows what is where")]
    let segments = unsafe { slice::from_raw_parts(file.dlpi_phdr, file.dlpi_phnum.into()) };
    let page = rustix::param::page_size() as u64;
    for segment in segments.iter().filter(|it| it.p_type == libc::PT_LOAD && it.p_flags & libc::PF_W == 0) {
        let begin = file.dlpi_addr + segment.p_vaddr;
        let (first, end) = (begin.next_multiple_of(page), (begin + segment.p_memsz) / page * page);
        let (Ok(at), Ok(length)) = (usize::try_from(first), usize::try_from(end.saturating_sub(first)))
        else {
            continue;
        };
        // Where it cannot be, they stay.
        // SAFETY: these are whole pages that cannot be written, and are found again in the file.
        #[expect(unsafe_code, reason = "nothing else says that pages are not needed for now")]
        unsafe {
            libc::madvise(at as *mut c_void, length, libc::MADV_DONTNEED);
        }
    }
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How much of the code of this program is mapped, in KiB.
    fn code() -> u64 {
        let program = std::env::current_exe().unwrap();
        let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let mut lines = maps.lines();
        let code = |line: &&str| line.contains(" r-xp ") && line.ends_with(program.to_str().unwrap());
        lines.find(code).expect("there is code");
        let resident = lines.find_map(|line| line.strip_prefix("Rss:")).unwrap();
        resident.trim().strip_suffix(" kB").unwrap().parse().unwrap()
    }

    #[test]
    fn what_is_given_back_comes_again_when_it_is_needed() {
        // Many others run meanwhile, and need some of it.
        let shrinks = || {
            let before = code();
            give_back();
            code() < before
        };
        assert!((0..20).any(|_| shrinks()), "{} KiB", code());
        // Constants, tables and code are what they were.
        assert_eq!(format!("{:?}", std::time::Duration::from_millis(1500)), "1.5s");
        let thread = std::thread::spawn(|| "x".parse::<u64>().unwrap_err().to_string());
        assert_eq!(thread.join().unwrap(), "invalid digit found in string");
    }
}
