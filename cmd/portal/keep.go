package main

import (
	"context"
	"crypto/rand"
	"log/slog"
	"time"

	"portal/internal/keeper"
)

// look is how often the keeper looks whether a job is due.
const look = time.Second

// keep runs the jobs beside the server until the context ends. The returned
// function waits until they have ended.
func (s *services) keep(ctx context.Context, w world, log *slog.Logger) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	k := keeper.New(keeper.Config{Store: s.store, Now: w.Now, Log: log, Node: rand.Text(), Look: look, Jobs: s.jobs()})
	go func() {
		defer close(done)
		k.Run(ctx)
	}()
	return func() {
		cancel()
		<-done
	}
}

// jobs are what one node or another does from time to time.
func (s *services) jobs() []keeper.Job {
	return nil
}
