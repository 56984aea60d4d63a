// Command bench measures the portal against bare servers that do the same work
// and nothing else, and prints both side by side. Machines differ and are
// shared: only the ratios of one run mean anything.
//
//	go run ./cmd/bench [--users 1000000] [--events 10000000] [--customers 10000] [--rounds 5] [--quick] [--markdown] [--database URL]
//
// The portal is the shipped program, in a process of its own; so is the floor,
// which is this program again (bench floor …). CPU is that of the server's
// process alone, load comes from this process, everything stays on loopback.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"time"
)

// quickly is how much there is for a first look.
func quickly() size { return size{users: 100_000, customers: 1000, events: 1_000_000} }

// patience bounds a whole run.
const patience = 30 * time.Minute

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithTimeout(ctx, patience)
	err := run(ctx, os.Args[1:], os.Stdout)
	cancel()
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) > 0 && args[0] == "floor" {
		return runFloor(ctx, args[1:], out)
	}
	o, err := parseOptions(args)
	if err != nil {
		return err
	}
	return compare(ctx, o, out)
}

// options are what one asks of a run.
type options struct {
	size
	rounds   int
	only     *regexp.Regexp
	database string
	data     string
	sample   time.Duration
	markdown bool
}

func parseOptions(args []string) (o options, err error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.IntVar(&o.users, "users", 1_000_000, "users of the large customer")
	flags.IntVar(&o.customers, "customers", 10_000, "other customers beside it")
	flags.IntVar(&o.events, "events", 10_000_000, "events in its audit trail")
	flags.IntVar(&o.rounds, "rounds", 5, "rounds of each comparison; their median counts")
	flags.StringVar(&o.database, "database", os.Getenv("PORTAL_TEST_POSTGRES"),
		"postgres://… of an empty server to measure too; a second database of it, template1, holds the small customer")
	flags.StringVar(&o.data, "data", "", "folder that keeps the generated SQLite data for the next run")
	flags.DurationVar(&o.sample, "sample", 500*time.Millisecond, "how long one side of a comparison runs in a round")
	flags.BoolVar(&o.markdown, "markdown", false, "print the tables as they stand in docs/performance.md")
	quick := flags.Bool("quick", false, fmt.Sprintf("a first look: %d users, three short rounds", quickly().users))
	only := flags.String("only", "", "measure only what matches: start, pages, list, trail, second, sign-in, overload, strangers, nodes")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if *quick {
		o.size, o.rounds, o.sample = quickly(), 3, 500*time.Millisecond
	}
	o.only, err = regexp.Compile(*only)
	return o, err
}
