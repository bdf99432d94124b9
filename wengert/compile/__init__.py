"""The compiler: programs as native code. It knows no derivatives; see docs/design/compiler.md."""
