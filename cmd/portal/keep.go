package main

import (
	"context"
	"crypto/rand"
	"log/slog"
	"time"

	"portal"
	"portal/internal/keeper"
)

// look is how often the keeper looks whether a job is due.
const look = time.Second

// farewell is how long a node that stops takes to say so.
const farewell = 5 * time.Second

// node is this process among the others that serve the same data.
func (s *services) node(w world, log *slog.Logger) *keeper.Node {
	return keeper.NewNode(keeper.NodeConfig{
		Store: s.store, Ring: s.ring, RingFile: s.ringFile, ID: rand.Text(), Host: host().Origin.Address, Now: w.Now, Log: log,
	})
}

// keep runs the jobs beside the server, also while it takes leave, for it
// serves until then. The returned function ends them, waits until they have
// ended, and tells the other nodes that this one is gone.
func (s *services) keep(ctx context.Context, n *keeper.Node) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	k := keeper.New(keeper.Config{Store: s.store, Now: n.Now, Log: n.Log, Node: n, Look: look, Jobs: s.jobs(n), Meter: s.meter})
	go func() {
		defer close(done)
		k.Run(ctx)
	}()
	return func() {
		cancel()
		<-done
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
		defer cancel()
		if err := n.Leave(ctx); err != nil {
			n.Log.Warn("this node could not take leave; the others notice within a minute", "error", err)
		}
	}
}

// jobs are what one node or another does from time to time. All but two go by
// the clock: to seal and to note are the same at any time.
func (s *services) jobs(n *keeper.Node) []keeper.Job {
	jobs := []keeper.Job{
		{Name: "answer who forgot a password", Do: inTime(n, s.auth.AnswerResets)},
		{Name: "remind of the 2FA policy", Every: time.Hour, Do: inTime(n, s.admin.RemindOfPolicy)},
		{Name: "seal the audit trail", Do: func(ctx context.Context) error { return s.audit.Seal(ctx, portal.Itself()) }},
		{Name: "forget what is past its time", Every: time.Hour, Do: inTime(n, s.auth.Forget)},
		{Name: "give up mails that waited too long", Every: time.Hour, Do: inTime(n, s.post.GiveUpKept)},
		{Name: "age kept setups", Every: time.Hour, Do: inTime(n, s.auth.AgeSetups)},
		{Name: "prune the audit trail", Every: 24 * time.Hour, Do: inTime(n, s.audit.PruneDue)},
	}
	jobs = append(jobs, keeper.Job{Name: "note the newest event", Do: s.witness.Note})
	if s.post.Server != nil {
		jobs = append(jobs, keeper.Job{Name: "mail", Do: inTime(n, s.post.Deliver)})
	}
	return jobs
}

// inTime is a job by the clock's word: a node whose clock is wrong leaves it to
// the others, so that nothing ends before its time.
func inTime(n *keeper.Node, do func(context.Context, portal.Actor) error) func(context.Context) error {
	return func(ctx context.Context) error {
		if err := n.Clock(ctx); err != nil {
			return err
		}
		return do(ctx, portal.Itself())
	}
}
