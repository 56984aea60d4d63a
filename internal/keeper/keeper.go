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

const (
	// retry is how soon a job that failed is tried again, at most.
	retry = time.Minute
	// lookTime and jobTime end what waits for a database that has gone silent.
	// A job that has more to do goes on where it was cut off.
	lookTime = 15 * time.Second
	jobTime  = 5 * time.Minute
)

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
	node := k.murmur("this node")
	k.look(ctx, node)
	var all sync.WaitGroup
	all.Go(func() { k.every(ctx, func(ctx context.Context) { k.look(ctx, node) }) })
	for _, job := range k.Jobs {
		all.Go(func() { k.repeat(ctx, job) })
	}
	all.Wait()
}

func (k *Keeper) murmur(job string) *murmur {
	return &murmur{log: k.Log, now: k.Now, what: []any{"job", job}}
}

// look has the node look after itself.
func (k *Keeper) look(ctx context.Context, m *murmur) {
	within, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	err := k.Node.Look(within)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		m.failed(ctx, "this node could not look after itself and will try again", err)
	default:
		m.worked(ctx)
	}
}

func (k *Keeper) repeat(ctx context.Context, job Job) {
	asking, doing := k.murmur(job.Name), k.murmur(job.Name)
	k.try(ctx, job, asking, doing)
	k.every(ctx, func(ctx context.Context) { k.try(ctx, job, asking, doing) })
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

// try does a job where it is due; a failure is logged, and tried again. Whether
// it is due may not be known, and it may fail: each has its own word in the log.
func (k *Keeper) try(ctx context.Context, job Job, asking, doing *murmur) {
	if ctx.Err() != nil || k.Node.Fit() != nil {
		return
	}
	mine, err := k.due(ctx, job)
	switch {
	case ctx.Err() != nil:
		return
	case err != nil:
		k.Meter.Task(job.Name, k.Now(), outcomeOf(err))
		asking.failed(ctx, "it is not known whether a job is due; this will be tried again", err)
		return
	}
	asking.worked(ctx)
	if mine {
		k.do(ctx, job, doing)
	}
}

func (k *Keeper) do(ctx context.Context, job Job, m *murmur) {
	within, cancel := context.WithTimeout(ctx, jobTime)
	defer cancel()
	err := job.Do(within)
	if ctx.Err() != nil {
		return
	}
	k.Meter.Task(job.Name, k.Now(), outcomeOf(err))
	if err == nil {
		m.worked(ctx)
		return
	}
	m.failed(ctx, "a job failed and will be tried again", err)
	if job.Every > retry {
		within, cancel := context.WithTimeout(ctx, lookTime)
		defer cancel()
		if err := k.Store.EndLease(within, job.Name, k.Node.ID, k.Now().Add(retry)); err != nil {
			k.Log.WarnContext(ctx, "the lease of a job stays", "job", job.Name, "error", err)
		}
	}
}

// outcomeOf tells an outage of the database, which is told apart by other means
// and ends by itself, from a job that fails.
func outcomeOf(err error) meter.TaskOutcome {
	switch {
	case err == nil:
		return meter.TaskDone
	case portal.ErrorCode(err) == portal.CodeUnavailable:
		return meter.TaskOutage
	}
	return meter.TaskFailed
}

func (k *Keeper) due(ctx context.Context, job Job) (bool, error) {
	if job.Every == 0 {
		return true, nil
	}
	within, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	return k.Store.TakeLease(within, job.Name, k.Node.ID, job.Every)
}
