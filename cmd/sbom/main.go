// Command sbom prints the bill of materials of built programs: what stands in
// them, in which version, since when, and under which licence (CycloneDX 1.6).
//
//	go run ./cmd/sbom --version V --commit C [--date D] PROGRAM…
//
// It reads what Go noted in the programs themselves, not what go.mod would like
// to be in them. The same programs give the same bytes. It is never shipped.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

// release is what the bill is of.
type release struct {
	version, commit, date string
}

func run(args []string, out io.Writer) error {
	var of release
	flags := flag.NewFlagSet("sbom", flag.ContinueOnError)
	flags.StringVar(&of.version, "version", "unreleased", "version of the programs")
	flags.StringVar(&of.commit, "commit", "unknown", "commit that they were built from")
	flags.StringVar(&of.date, "date", "", "when it was made (RFC 3339)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() == 0 {
		return errors.New("name the programs that the bill is of")
	}
	parts, err := partsOf(flags.Args())
	if err != nil {
		return err
	}
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(newBill(of, append(parts, weakPasswords)))
}
