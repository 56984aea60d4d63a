package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"time"
	"runtime/pprof"

	"portal"
	"portal/internal/store"
)

func main() {
	ctx := context.Background()
	n, _ := strconv.Atoi(os.Args[1])
	dir := os.Args[2]
	db := ""
	if len(os.Args) > 3 {
		db = os.Args[3]
	}
	os.MkdirAll(dir, 0o700)
	s, err := store.Open(ctx, store.Config{Database: db, DataFolder: dir, Now: time.Now})
	if err != nil {
		panic(err)
	}
	cust := portal.CustomerID("0193c0de-0000-7000-8000-000000000001")
	err = s.WriteUnaudited(ctx, cust, "x", func(tx *store.Tx) error { return tx.AddCustomer(ctx, "C") })
	if err != nil {
		panic(err)
	}
	chance := rand.New(rand.NewPCG(1, 2))
	batch, _ := strconv.Atoi(os.Getenv("BATCH"))
	if batch == 0 {
		batch = 5000
	}
	f, _ := os.Create("/tmp/benchdev/cpu.prof")
	pprof.StartCPUProfile(f)
	defer pprof.StopCPUProfile()
	begin := time.Now()
	if len(os.Args) > 4 {
		if err := s.Tune(ctx, os.Args[4:]...); err != nil {
			panic(err)
		}
	}
	for at := 0; at < n; at += batch {
		var all []store.Newcomer
		for i := at; i < at+batch; i++ {
			p, _ := invent(chance, cust, i)
			all = append(all, store.Newcomer{User: p.User, PasswordHash: "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", Authenticator: p.authenticator, Secret: make([]byte, 70)})
		}
		if err := s.WriteUnaudited(ctx, cust, "x", func(tx *store.Tx) error { return tx.Fill(ctx, all) }); err != nil {
			panic(err)
		}
		if at%(batch*4) == 0 {
			fmt.Println(at+batch, time.Since(begin))
		}
	}
	fmt.Println(n, time.Since(begin))
	s.Close()
	fmt.Println(time.Since(begin))
}
