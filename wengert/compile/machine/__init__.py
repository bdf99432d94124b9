"""The machine below: LLVM, object code kept on disk, calls from Python and back, libraries, threads, failures."""
