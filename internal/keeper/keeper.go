// Package keeper does what the house needs and nobody asks for: closing the
// audit trail, forgetting what is past its time, bringing sealed values under
// the newest key, and running the other jobs on time.
//
// A job that one node at a time should do holds a lease in the database; the
// lease is the timetable as well, so that several nodes do not fight over it.
// Every job may be cut off at any moment and run again.
package keeper

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"portal"
	"portal/internal/meter"
	"portal/internal/store"
)

// Job is something to do again and again.
type Job struct {
	Name string
	// Every is how long it rests. Zero: each node does it at every look.
	Every time.Duration
	Do    func(context.Context) error
}

// retry is how soon a job that failed is tried again, at most.
const retry = time.Minute

// Config is what a keeper stands on.
type Config struct {
	Store *store.Store
	Now   portal.Clock
	Log   *slog.Logger
	// Node is this process; it names itself in leases, and unfit it does no job.
	Node *Node
	// Look is how often to look whether something is due.
	Look time.Duration
	Jobs []Job
	// Meter counts what jobs come to; nil counts nothing.
	Meter *meter.Meter
}

// Keeper runs jobs.
type Keeper struct{ Config }

// New makes a keeper.
func New(c Config) *Keeper {
	for _, job := range c.Jobs {
		c.Meter.Tasks(job.Name)
	}
	return &Keeper{c}
}

// Run looks for due jobs until the context ends, each job on its own so that a
// slow one holds up no other. What is under way sees its context end; Run
// returns when all have ended.
func (k *Keeper) Run(ctx context.Context) {
	k.look(ctx)
	var all sync.WaitGroup
	all.Go(func() { k.every(ctx, k.look) })
	for _, job := range k.Jobs {
		all.Go(func() { k.repeat(ctx, job) })
	}
	all.Wait()
}

// look has the node look after itself.
func (k *Keeper) look(ctx context.Context) {
	if err := k.Node.Look(ctx); err != nil && ctx.Err() == nil {
		k.Log.WarnContext(ctx, "this node could not look after itself and will try again", "error", err)
	}
}

func (k *Keeper) repeat(ctx context.Context, job Job) {
	k.try(ctx, job)
	k.every(ctx, func(ctx context.Context) { k.try(ctx, job) })
}

// every does something at each look until the context ends.
func (k *Keeper) every(ctx context.Context, do func(context.Context)) {
	ticker := time.NewTicker(k.Look)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			do(ctx)
		}
	}
}

// try does a job where it is due; a failure is logged, and tried again.
func (k *Keeper) try(ctx context.Context, job Job) {
	if ctx.Err() != nil || k.Node.Fit() != nil {
		return
	}
	mine, err := k.due(ctx, job)
	if err == nil && mine {
		err = job.Do(ctx)
	}
	if ctx.Err() != nil {
		return
	}
	if mine || err != nil {
		k.Meter.Task(job.Name, k.Now(), err)
	}
	if err == nil {
		return
	}
	k.Log.WarnContext(ctx, "a job failed and will be tried again", "job", job.Name, "error", err)
	if mine && job.Every > retry {
		if err := k.Store.EndLease(ctx, job.Name, k.Node.ID, k.Now().Add(retry)); err != nil {
			k.Log.WarnContext(ctx, "the lease of a job stays", "job", job.Name, "error", err)
		}
	}
}

func (k *Keeper) due(ctx context.Context, job Job) (bool, error) {
	if job.Every == 0 {
		return true, nil
	}
	return k.Store.TakeLease(ctx, job.Name, k.Node.ID, job.Every)
}
