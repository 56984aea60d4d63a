package main

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"portal"
)

// inNewBrowser is a sign-in in a browser that is new to an account which was
// signed in to before: it writes a mail to its owner, with a link "this was not
// me". Everybody signs in once in it, and then in one that is known.
const inNewBrowser = "password, new browser"

// longest is how long sign-ins are measured where 64 wait for the two cores at
// once: a short window would mostly show how the queue fills and empties.
const longest = 4 * time.Second

// signIns compares signing in with the bare hash of the same parameters.
func (b *bench) signIns(ctx context.Context) error {
	for _, workers := range []int{1, 2, 64} {
		lasting := 4 * b.sample
		if workers == 64 {
			lasting = max(lasting, longest)
		}
		samples, err := interleave(ctx, b.rounds,
			b.signIn("password", portal.TwoFactorNone, workers, lasting), b.signIn("first step", portal.TwoFactorEnabled, workers, lasting),
			b.signIn(inNewBrowser, portal.TwoFactorNone, workers, lasting), b.loop("hash", "/hashes", min(workers, 2), lasting))
		if err != nil {
			return err
		}
		hash := samples["hash"]
		rate := map[int]aim{2: atLeast(0.93), 64: atLeast(0.90)}[workers]
		for _, name := range []string{"password", "first step"} {
			what := fmt.Sprintf("%s, c=%d", name, workers)
			b.report.versus(what, "bare hash", "CPU µs", of(samples[name], cpuOf), of(hash, cpuOf), atMost(1.05))
			b.report.versus(what, "bare hash", "/s", of(samples[name], rateOf), of(hash, rateOf), rate)
		}
		what := fmt.Sprintf("%s, c=%d", inNewBrowser, workers)
		b.report.versus(what, "bare hash", "CPU µs", of(samples[inNewBrowser], cpuOf), of(hash, cpuOf), aim{})
		b.report.versus(what, "bare hash", "/s", of(samples[inNewBrowser], rateOf), of(hash, rateOf), aim{})
	}
	return b.signInMemory(ctx)
}

// signInMemory looks at a fresh server while 64 sign in at once.
func (b *bench) signInMemory(ctx context.Context) error {
	fresh, err := b.startPortal(ctx, b.large)
	if err != nil {
		return err
	}
	defer fresh.stop() //nolint:errcheck // its figures are taken
	idle, err := fresh.memory("VmRSS")
	if err != nil {
		return err
	}
	if err := fresh.forgetPeak(); err != nil {
		return err
	}
	if _, err := fresh.put(ctx, b.signInLoad(fresh, portal.TwoFactorNone, true, 64, 2*time.Second)); err != nil {
		return err
	}
	peak, err := fresh.memory("VmHWM")
	b.report.alone("memory while 64 sign in, over idle, in hashes of 19 MiB", "hashes", []float64{(peak - idle) / 19}, atMost(3))
	return err
}

func (b *bench) signIn(name string, state portal.TwoFactorState, workers int, lasting time.Duration) side {
	return side{name, func(ctx context.Context, _ int) (outcome, error) {
		return b.portal.put(ctx, b.signInLoad(b.portal, state, name != inNewBrowser, workers, lasting))
	}}
}

// signInLoad signs in one user after the other, all with the right password, in
// the browser that the account knows or in a new one.
func (b *bench) signInLoad(c *child, state portal.TwoFactorState, known bool, workers int, lasting time.Duration) load {
	next := func(int) []byte {
		for {
			number := b.large.byChance(int(b.next.Add(1)))
			if stateOf(number) != state {
				continue
			}
			form := url.Values{"login_id": {invent(customer, number).LoginID}, "password": {password}}
			cookie := ""
			if known {
				token, _ := browserOf(number)
				cookie = "portal-browser=" + token
			}
			return request(c.base.Host, "POST", "/sign-in", cookie, form.Encode())
		}
	}
	to := "/"
	if state == portal.TwoFactorEnabled {
		to = "/sign-in/code"
	}
	return load{workers: workers, lasting: lasting, want: 303, to: to, next: next}
}

// loop has the floor repeat something in itself.
func (b *bench) loop(name, path string, workers int, lasting time.Duration) side {
	return side{name, func(ctx context.Context, _ int) (o outcome, err error) {
		c, err := dial(ctx, b.floor.base.Host)
		if err != nil {
			return o, err
		}
		defer closeAll([]*client{c})
		before, err := b.floor.cpu()
		if err != nil {
			return o, err
		}
		begin := time.Now()
		a, err := c.do(request(b.floor.base.Host, "GET", fmt.Sprintf("%s?workers=%d&for=%s", path, workers, lasting), "", ""))
		if err != nil || a.status != 200 {
			return o, fmt.Errorf("status %d %s %w", a.status, a.body, err)
		}
		n, err := strconv.Atoi(string(a.body))
		if err != nil {
			return o, err
		}
		after, err := b.floor.cpu()
		return outcome{rate: float64(n) / time.Since(begin).Seconds(), cpu: (after - before) / time.Duration(n)}, err
	}}
}

// secondStep compares the second step with one-row commits.
func (b *bench) secondStep(ctx context.Context) error {
	const workers, known, fresh = 16, "second step", "second step, new browser"
	samples, err := interleave(ctx, b.rounds,
		side{known, func(ctx context.Context, _ int) (outcome, error) { return b.secondSteps(ctx, workers, true) }},
		side{fresh, func(ctx context.Context, _ int) (outcome, error) { return b.secondSteps(ctx, workers, false) }},
		b.loop("commits", "/commits", workers, 2*b.sample))
	if err != nil {
		return err
	}
	commits := samples["commits"]
	for _, step := range []struct {
		name      string
		rate, cpu aim
	}{{known, atLeast(0.3), atMost(400)}, {fresh, aim{}, aim{}}} {
		name, what := step.name, fmt.Sprintf("%s, c=%d (%s)", step.name, workers, b.safety)
		b.report.versus(what, "one-row commits", "/s", of(samples[name], rateOf), of(commits, rateOf), step.rate)
		b.report.versus(what, "one-row commits", "CPU µs", of(samples[name], cpuOf), of(commits, cpuOf), aim{})
		b.report.alone(what, "CPU µs", of(samples[name], cpuOf), step.cpu)
	}
	return nil
}

// secondSteps sends a right code for people who have proven the password, in a
// browser that their accounts know or in a new one.
func (b *bench) secondSteps(ctx context.Context, workers int, known bool) (outcome, error) {
	cookies, err := b.large.openHalves(ctx, int(2*b.sample.Seconds()*2500), known)
	if err != nil {
		return outcome{}, err
	}
	var taken atomic.Int64
	body := "code=" + code()
	return b.portal.put(ctx, load{workers: workers, lasting: 2 * b.sample, want: 303, to: "/", next: func(int) []byte {
		i := int(taken.Add(1)) - 1
		if i >= len(cookies) {
			return nil
		}
		return request(b.portal.base.Host, "POST", "/sign-in/code", cookies[i], body)
	}})
}
