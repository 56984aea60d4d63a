package main

import (
	"context"
	"fmt"
	"slices"
)

// side is one contestant: a name, and how to take one sample of it.
type side struct {
	name   string
	sample func(ctx context.Context, round int) (outcome, error)
}

// interleave lets all sides take turns, A B C A B C …, so that what else the
// machine does falls on all alike. It returns the samples of each side.
func interleave(ctx context.Context, rounds int, sides ...side) (map[string][]outcome, error) {
	samples := map[string][]outcome{}
	for round := range rounds {
		for i := range sides {
			s := sides[(i+round)%len(sides)] // nobody always goes first
			o, err := s.sample(ctx, round)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", s.name, err)
			}
			samples[s.name] = append(samples[s.name], o)
		}
	}
	return samples, nil
}

// figure is a number over all rounds.
type figure struct{ median, low, high float64 }

func figureOf(values []float64) figure {
	sorted := slices.Sorted(slices.Values(values))
	if len(sorted) == 0 {
		return figure{}
	}
	return figure{sorted[len(sorted)/2], sorted[0], sorted[len(sorted)-1]}
}

// of reads one number of each sample.
func of(samples []outcome, number func(outcome) float64) []float64 {
	values := make([]float64, len(samples))
	for i, s := range samples {
		values[i] = number(s)
	}
	return values
}

// ratios divides round by round.
func ratios(a, b []float64) []float64 {
	values := make([]float64, len(a))
	for i := range a {
		values[i] = a[i] / b[i]
	}
	return values
}

func rateOf(o outcome) float64 { return o.rate }

func cpuOf(o outcome) float64 { return float64(o.cpu.Nanoseconds()) / 1000 }

func medianOf(o outcome) float64 { return float64(o.median().Nanoseconds()) / 1000 }
