package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"text/tabwriter"

	"portal/internal/keeper"
)

// keyCmd groups what the operator does with the key ring.
type keyCmd struct {
	List   keyListCmd   `cmd:"" help:"List the keys, and how much stands under each."`
	Add    keyAddCmd    `cmd:"" help:"Put a new key at hand that does not write yet, to be copied to all nodes."`
	Rotate keyRotateCmd `cmd:"" help:"Bring everything under a new key while the portal serves. Run it again where it was cut short."`
	Retire keyRetireCmd `cmd:"" help:"Take an old key, on which nothing hangs any more, out of the ring."`
}

// onKeys runs a command on the keys.
func (c *cli) onKeys(ctx context.Context, w world, do func(*keeper.Keys) error) error {
	return c.onData(ctx, w, func(s *services) error {
		tell := func(format string, args ...any) { fmt.Fprintf(w.Out, format+"\n", args...) }
		return do(keeper.NewKeys(keeper.KeysConfig{
			Store: s.store, Ring: s.ring, RingFile: s.ringFile, Now: w.Now, Tell: tell, ID: rand.Text(),
		}))
	})
}

type keyListCmd struct{}

// Run lists the keys, oldest first. It reads every sealed value's key, not the
// value.
func (cmd *keyListCmd) Run(ctx context.Context, c *cli, w world) error {
	return c.onKeys(ctx, w, func(k *keeper.Keys) error {
		keys, err := k.List(ctx, host())
		if err != nil {
			return err
		}
		table := tabwriter.NewWriter(w.Out, 0, 4, 2, ' ', 0)
		fmt.Fprintln(table, "KEY\tMADE\tWRITES SINCE\tUSE\tSEALED VALUES\tUSERS WITH RECOVERY CODES")
		for _, key := range keys {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d\t%d\n", key.ID, day(key.Created), day(key.Since), use(key), key.Sealed, key.HoldCode)
		}
		return table.Flush()
	})
}

// use is what a key is for now.
func use(key keeper.KeyState) string {
	switch {
	case key.Writes:
		return "writes and reads"
	case key.Since.IsZero():
		return "at hand"
	}
	return "reads"
}

type keyAddCmd struct{}

// Run adds a key, and says what comes next.
func (cmd *keyAddCmd) Run(ctx context.Context, c *cli, w world) error {
	return c.onKeys(ctx, w, func(k *keeper.Keys) error {
		id, err := k.Add(ctx, host())
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(w.Out, "Key %s is at hand and does not write yet. Back %s up, copy it to every node that has one of its own, then run portal key rotate.\n", id, k.RingFile)
		return err
	})
}

type keyRotateCmd struct{}

// Run rotates, and says what to do about the old key.
func (cmd *keyRotateCmd) Run(ctx context.Context, c *cli, w world) error {
	return c.onKeys(ctx, w, func(k *keeper.Keys) error {
		if err := k.Rotate(ctx, host()); err != nil {
			return err
		}
		_, err := fmt.Fprintf(w.Out, "Back up %s now: backups of before lack the new key. portal key list shows what hangs on older keys, portal key retire takes them away.\n", k.RingFile)
		return err
	})
}

type keyRetireCmd struct {
	ID string `arg:"" help:"The key, as portal key list shows it."`
}

// Run retires a key.
func (cmd *keyRetireCmd) Run(ctx context.Context, c *cli, w world) error {
	return c.onKeys(ctx, w, func(k *keeper.Keys) error {
		if err := k.Retire(ctx, host(), cmd.ID); err != nil {
			return err
		}
		_, err := fmt.Fprintf(w.Out, "Retired key %s. Keep it in the backups that were written with it; a node's own copy of the ring that still has it does no harm.\n", cmd.ID)
		return err
	})
}
