package main

// bug is one planted fault: a small change of one file, and the packages whose tests must fail by
// it.
type bug struct {
	name  string
	file  string
	edits []edit
	tests []string
}

// edit puts to in the place of from, which stands in the file exactly once.
type edit struct{ from, to string }

const (
	calls       = "shared/platform/call/call.go"
	seats       = "shared/license/seats.go"
	waits       = "shared/license/waiting.go"
	choices     = "shared/license/choose.go"
	units       = "shared/license/work.go"
	seatCommit  = "shared/license/commit.go"
	records     = "shared/license/internal/record/records.go"
	pools       = "shared/license/pool.go"
	purchases   = "shared/purchase/rules.go"
	amounts     = "shared/craft/money/money.go"
	cursors     = "shared/platform/api/cursor.go"
	permissions = "shared/platform/auth/auth.go"
	dynamo      = "shared/platform/table/dynamo/commit.go"
	workers     = "shared/filejob/worker.go"
	buyers      = "shared/purchase/buyer.go"
)

// planted are the bugs. What each would do to a customer stands above it.
var planted = []bug{
	// A name that somebody had stays in the audit log when they are forgotten.
	{
		"names left in the audit log",
		"shared/offboarding/texts.go",
		[]edit{{
			"		inBoth(\".name\", name, \"subject=user:@ $.userId\"),\n",
			"		inBoth(\".name\", name, \"$.userId\"),\n",
		}},
		[]string{"shared/offboarding"},
	},
	// What was written of everybody goes with who is forgotten.
	{
		"words about others forgotten",
		"shared/offboarding/texts.go",
		[]edit{{
			"			{\"reason\", words, \"userId\"},\n",
			"			{\"reason\", words, \"\"},\n",
		}},
		[]string{"shared/offboarding"},
	},
	// An earlier version of a file that names somebody stays when they are forgotten.
	{
		"earlier versions left",
		"shared/offboarding/forget.go",
		[]edit{{
			"		if v.At.After(f.person.removed) {\n",
			"		if v.At.After(f.person.removed) || !v.Newest {\n",
		}},
		[]string{"shared/offboarding"},
	},
	// What was read before somebody was forgotten, and is written after, stays.
	{
		"forgotten in one pass",
		"shared/offboarding/forget.go",
		[]edit{{
			"	if f.State != again || f.Skipped {\n",
			"	if f.Skipped {\n",
		}},
		[]string{"shared/offboarding"},
	},
	// A plan is mixed of two checks, since somebody is forgotten while it is written.
	{
		"a plan overwritten",
		"shared/offboarding/forget.go",
		[]edit{{
			"		if j.State == \"checking\" {\n",
			"		if j.State == \"none\" {\n",
		}},
		[]string{"shared/offboarding"},
	},
	// Whoever decided before somebody was to be forgotten makes them once more, and their name stays.
	{
		"made while forgotten",
		"shared/directory/users.go",
		[]edit{{
			"	if !l.exists {\n" +
				"		ops = append(ops, table.Check(access.Forgetting",
			"	if l.exists {\n" +
				"		ops = append(ops, table.Check(access.Forgetting",
		}},
		[]string{"shared/offboarding"},
	},
	// An archive that is made meanwhile has the name of who is forgotten.
	{
		"archived while forgotten",
		"shared/offboarding/sweep.go",
		[]edit{{
			"		return j.Kind == archiving && slices.ContainsFunc(jobs, func(other job) bool {\n",
			"		return j.Kind == erasing && slices.ContainsFunc(jobs, func(other job) bool {\n",
		}},
		[]string{"shared/offboarding"},
	},
	// An account is erased by an archive that lacks what came after it.
	{
		"erased by an archive of before",
		"shared/offboarding/service.go",
		[]edit{{"	case !found || last.CreatedAt.Before(a.ChangedAt):\n", "	case !found:\n"}},
		[]string{"shared/offboarding"},
	},
	// What was under way when an account was erased comes after it, and stays.
	{
		"erased at once",
		"shared/offboarding/service.go",
		[]edit{{
			"		DueAt: c.At.UTC().Add(call.LongestRun), Counts",
			"		DueAt: c.At.UTC(), Counts",
		}},
		[]string{"shared/offboarding"},
	},
	// Earlier versions of the files of an erased account stay.
	{
		"erased but for versions",
		"shared/offboarding/erase.go",
		[]edit{{
			"	err := e.each(ctx, e.account, func(v files.Stored) error { return e.env.Objects.Remove(ctx, v.Ref) })\n",
			"	err := e.each(ctx, e.account, func(v files.Stored) error {\n" +
				"		if !v.Newest {\n" +
				"			return nil\n" +
				"		}\n" +
				"		return e.env.Objects.Remove(ctx, v.Ref)\n" +
				"	})\n",
		}},
		[]string{"shared/offboarding"},
	},
	// Who manages the directory becomes a super-admin, by inviting one to an address of theirs.
	{
		"invites who may do more",
		"shared/directory/invite.go",
		[]edit{{
			"	case holdsAll(ctx):\n",
			"	case holdsAll(ctx), true:\n",
		}},
		[]string{"shared/directory"},
	},
	// Somebody who was deactivated is invited to sign in.
	{
		"invites who is gone",
		"shared/directory/invite.go",
		[]edit{{
			"	case !user.Active:\n" +
				"		return problem.New(problem.UserInactive",
			"	case !user.Active && user.Email == \"\":\n" +
				"		return problem.New(problem.UserInactive",
		}},
		[]string{"shared/directory"},
	},
	// A period that began before the prices changed is charged by the new ones.
	{
		"prices of today in an old period",
		"shared/period/timelines.go",
		[]edit{{
			"		unit, ok := p.UnitPriceOn(day, currency)\n", "		unit, ok := p.UnitPrice(currency)\n",
		}},
		[]string{"infra/years"},
	},
	// Whoever looks at what a termination saves is told nothing.
	{
		"saving not foretold",
		"shared/license/effects/effects.go",
		[]edit{{
			"		r.out.Money.Recurring.Minor += n * price.Minor\n",
			"		r.out.Money.Recurring.Minor += max(n, 0) * price.Minor\n",
		}},
		[]string{"infra/years"},
	},
	// Days of waiting are charged to where somebody went later.
	{
		"waiting of who moved since",
		"shared/period/timelines.go",
		[]edit{{
			"			Parts: append(before[waitingOf(s)], Part{UserID: s.UserID, CostCenter: s.CostCenter}),\n",
			"			Parts: []Part{{UserID: s.UserID, CostCenter: s.CostCenter}},\n",
		}},
		[]string{"shared/period"},
	},
	// Two orders of a policy are decided from the same count, and together buy over its maximum.
	{
		"count of a policy not demanded",
		"shared/policy/bought.go",
		[]edit{{
			"	return c.Put(item, n.item.Data != nil, n.item.Version), nil\n",
			"	counting := c.Put(item, n.item.Data != nil, n.item.Version)\n	counting.Cond = table.Always\n	return counting, nil\n",
		}},
		[]string{"shared/purchase"},
	},
	// A policy buys one seat more than it may.
	{
		"one seat over the maximum",
		"shared/policy/rules.go",
		[]edit{{"		room = min(room, *a.MaxSeats-seats)\n", "		room = min(room, *a.MaxSeats-seats+1)\n"}},
		[]string{"shared/purchase"},
	},
	// A policy goes on buying, and its orders are charged to a cost center that was deleted.
	{
		"cost center of a policy not looked at",
		"shared/policy/rules.go",
		[]edit{{"	if !now.hasCostCenter {\n", "	if !now.hasCostCenter && p.AutoPurchase.CostCenter == \"\" {\n"}},
		[]string{"shared/purchase"},
	},
	// Nobody is told that seats are no longer bought, until people ask why they wait.
	{
		"maximum that is reached not told",
		buyers,
		[]edit{{
			"		if p.AutoPurchase.Room(price, counts[i].Seats, counts[i].Amount) == 0 {\n",
			"		if p.AutoPurchase.Room(price, counts[i].Seats, counts[i].Amount) < 0 {\n",
		}},
		[]string{"shared/alert"},
	},
	// Who changes something else of a policy has bought for them what they never acknowledged.
	{
		"policy acknowledged by another change",
		"shared/policy/http.go",
		[]edit{{"sent.Named(\"autoPurchase\")", "sent.Has(\"autoPurchase\")"}},
		[]string{"shared/purchase"},
	},
	// A dry run beside somebody else's change ends as a 500.
	{
		"dry run that does not begin again",
		"shared/platform/api/foresee.go",
		[]edit{{"const mostTries = 3\n", "const mostTries = 1\n"}},
		[]string{"shared/platform/api"},
	},
	// Two runs buy for the same people, one while the other hands out what it has bought.
	{
		"who waits not demanded by the order",
		buyers,
		[]edit{{"		effects = append(effects, m.Lacks)\n", "		_ = m.Lacks\n"}},
		[]string{"shared/purchase"},
	},
	// A policy goes on buying at a price that nobody has acknowledged.
	{
		"changed price not looked at",
		"shared/policy/rules.go",
		[]edit{{"	case p.AutoPurchase.AcknowledgedPrice != now.price:\n", "	case p.AutoPurchase.AcknowledgedPrice.Currency != now.price.Currency:\n"}},
		[]string{"shared/purchase"},
	},
	// Two callers who race for the last seat both get it.
	{
		"license taken without a condition",
		seatCommit,
		[]edit{
			{
				"		u.writeOffer(w, l, written)\n",
				"		if written {\n			last := &w.ops[len(w.ops)-1]\n			*last = table.Put(last.Item, table.Always)\n		}\n		u.writeOffer(w, l, written)\n",
			},
			{
				"table.Delete(l.before.FreeKey(u.account), table.IfPresent)",
				"table.Delete(l.before.FreeKey(u.account), table.Always)",
			},
		},
		[]string{"shared/license"},
	},
	// Two changes of one user lose one of them, and the seat that it took.
	{
		"holder written without a condition",
		seatCommit,
		[]edit{
			{
				"	if !left(w, h, h.gone, item) && u.required[user] {\n",
				"	if left(w, h, h.gone, item) {\n		if last := &w.ops[len(w.ops)-1]; last.Kind == table.KindPut {\n			*last = table.Put(last.Item, table.Always)\n		}\n	} else if u.required[user] {\n",
			},
		},
		[]string{"shared/license"},
	},
	// A seat that another cost center keeps for its own people is given away.
	{
		"fences not looked at",
		"shared/license/internal/record/fences.go",
		[]edit{{"return seat == person || !f.Has(seat)", "return seat == person || !f.Has(person)"}},
		[]string{"shared/license"},
	},
	// A seat is given away in the moment in which its fence is put up.
	{
		"fences not demanded by the commit",
		seatCommit,
		[]edit{{"	if u.relied {\n", "	if u.relied && u.fences.Epoch < 0 {\n"}},
		[]string{"shared/license"},
	},
	// Two users get one phone number.
	{
		"number written without its uniqueness condition",
		seatCommit,
		[]edit{
			{
				"		left(&w, n, n.now == \"\", table.Item{Key: record.NumberKey(u.account, number)})\n",
				"		if left(&w, n, n.now == \"\", table.Item{Key: record.NumberKey(u.account, number)}) {\n			if last := &w.ops[len(w.ops)-1]; last.Kind == table.KindPut {\n				*last = table.Put(last.Item, table.Always)\n			}\n		}\n",
			},
		},
		[]string{"shared/license"},
	},
	// A crash between the two leaves counts that no recount gives.
	{
		"counts in a commit of their own",
		seatCommit,
		[]edit{
			{
				"	if err := u.c.Commit(ctx, answer, ops...); err != nil {\n		return err\n	}\n",
				"	var counts []table.Operation\n	ops = slices.DeleteFunc(ops, func(op table.Operation) bool {\n		if op.Kind == table.KindAdd {\n			counts = append(counts, op)\n		}\n" +
					"		return op.Kind == table.KindAdd\n	})\n	if err := u.c.Commit(ctx, answer, ops...); err != nil {\n		return err\n	}\n" +
					"	if len(counts) > 0 {\n		if err := u.c.Env.Table.Commit(ctx, counts); err != nil {\n			return err\n		}\n	}\n",
			},
		},
		[]string{"shared/license"},
	},
	// A crash between the two leaves a change that nobody made.
	{
		"audit in a commit of its own",
		seatCommit,
		[]edit{
			{
				"	if err := u.c.Commit(ctx, answer, ops...); err != nil {\n		return err\n	}\n",
				"	var audits []table.Operation\n	ops = slices.DeleteFunc(ops, func(op table.Operation) bool {\n		audit := strings.Contains(op.Item.Partition, \"#AUDIT#\")\n		if audit {\n			audits = append(audits, op)\n		}\n" +
					"		return audit\n	})\n	if err := u.c.Commit(ctx, answer, ops...); err != nil {\n		return err\n	}\n" +
					"	if len(audits) > 0 {\n		if err := u.c.Env.Table.Commit(ctx, audits); err != nil {\n			return err\n		}\n	}\n",
			},
		},
		[]string{"shared/license"},
	},
	// What an admin takes away from an agent comes back with the next change of the queue.
	{
		"no exclusion on unassign",
		seats,
		[]edit{
			{
				"	holding.Excluded = &record.Exclusion{Since: g.at, By: g.actor}\n	g.exclusions[product+\"#\"+h.UserID] = true\n",
				"",
			},
		},
		[]string{"shared/license"},
	},
	// Who came last is served first.
	{
		"waiting list from its end",
		units,
		[]edit{
			{
				"After: hd.next, Limit: hd.limit,",
				"After: hd.next, Limit: hd.limit, Backwards: true,",
			},
		},
		[]string{"shared/license"},
	},
	// A phone's add-ons stay assigned when the phone is gone, and are charged.
	{"add-ons stay when their base goes", seats, []edit{
		{`return p.Base != "" || !record.Automatic(s)`, `return p.Base == "" && !record.Automatic(s)`},
	}, []string{"shared/license"}},
	// Half an order is seen, and assigned, before it is confirmed.
	{
		"licenses seen before their order is confirmed",
		records,
		[]edit{
			{
				"	if !l.Pending {\n		return true\n	}\n	_, known",
				"	if l.ID != \"\" {\n		return true\n	}\n	_, known",
			},
		},
		[]string{"shared/license"},
	},
	// Half an order is assigned by product before it is confirmed.
	{"an unconfirmed order's licenses taken out of the pool", choices, []edit{
		{"		g.unsure = append(slices.Clone(g.unsure), s.marker)\n", ""},
	}, []string{"shared/license"}},
	// The last seats are there, and an admin is told that there are none.
	{
		"pool not wrapped around",
		pools,
		[]edit{
			{
				"{query: table.Query{Partition: in, To: start, Backwards: true}}",
				"{query: table.Query{Partition: in, From: start}}",
			},
		},
		[]string{"shared/license"},
	},
	{"other shards of the pool not looked at", pools, []edit{
		{"for n := 1; n < pl.shards; n++ {", "for n := 1; n < pl.shards-1; n++ {"},
	}, []string{"shared/license"}},
	{"shards that another process has added not looked at", pools, []edit{
		{"for ; pl.shards < u.shards; pl.shards++ {", "for ; pl.shards < min(u.shards, record.FirstShards); pl.shards++ {"},
	}, []string{"shared/license"}},
	// All callers come for the same few seats, and wait for each other.
	{"the same seats of a shard looked at by everybody", pools, []edit{
		{"To: start, Backwards: true}", "To: start}"},
	}, []string{"shared/license"}},
	{"pool from its beginning", pools, []edit{
		{"start := fmt.Sprintf(\"%04x\", u.c.Env.Pick(1<<16))", "start := fmt.Sprintf(\"%04x\", 0)"},
		{"first := u.c.Env.Pick(pl.shards)", "first := 0"},
	}, []string{"shared/license"}},
	// A decision that had to know more is carried out twice: a seat is taken for nobody, and
	// counted.
	{"ledger left half decided when it needs more", "shared/license/ledger.go", []edit{
		{"			g.restore(before)\n			return err", "			_ = before\n			return err"},
	}, []string{"shared/license"}},
	// What was loaded for a decision that failed stays as that decision left it.
	{"holders not restored where callers look at them", "shared/license/ledger.go", []edit{
		{"			*known = *h\n", "			_ = h\n"},
	}, []string{"shared/license"}},
	// Nobody learns that seats do not come to rest.
	{
		"settling stops in silence",
		seats,
		[]edit{
			{
				"	return fmt.Errorf(\n		\"the seats of user %s do not come to rest",
				"	if g != nil {\n		h.Tidy()\n		return nil\n	}\n	return fmt.Errorf(\n		\"the seats of user %s do not come to rest",
			},
		},
		[]string{"shared/license"},
	},
	// Somebody waits for a seat that was given back, until the next run of the maintenance function.
	{"seat given back though somebody waits", waits, []edit{
		{"	if g.served(p) {\n", "	if g.served(p) || p.Kind == catalog.Seat {\n"},
	}, []string{"shared/license"}},
	// What is moved to somebody else comes back to the first user by their queue.
	{"no exclusion on reassign", "shared/license/extension.go", []edit{
		{"	if g.endByHand(a, p.ID) {\n", "	if given.Grants = automatic(given.Grants); false {\n"},
	}, []string{"shared/license"}},
	// A seat is charged to a cost center that is deleted in the same moment.
	{"cost center not guarded", seatCommit, []edit{
		{"	if len(w.ops) > 0 {\n		for code", "	if len(w.ops) < 0 {\n		for code"},
	}, []string{"shared/license"}},
	// A file takes one reserved seat for two people.
	{"reserved seat drawn twice", choices, []edit{
		{"		g.drawn[name]++\n", ""},
	}, []string{"shared/license"}},
	// A seat is taken by a copy in the pool that is older than the license.
	{"license offered with the version before", seatCommit, []edit{
		{"LicenseVersion: l.state.after()}", "LicenseVersion: l.version}"},
	}, []string{"shared/license"}},
	// A refusal tells of a state that there never was, since its parts were read one after the other.
	{"refusal not confirmed", "shared/license/snapshot.go", []edit{
		{"	if !restsOnSeveral(err) {\n", "	if restsOnSeveral(err) || err != nil {\n"},
	}, []string{"shared/license"}},
	// A seat that is reserved for a file is given to somebody else when there is none left.
	{"reserved seat taken for another user's", "shared/license/reserve.go", []edit{
		{"return drawn == s.asked || s.has(drawn)", "return s.asked >= 0 || s.has(drawn)"},
	}, []string{"shared/license"}},
	// A list leaves licenses out, or shows them out of their order.
	{"a shard of a list out of order", "shared/license/inventory/merge.go", []edit{
		{"least == nil || s.sort() < least.sort()", "least == nil"},
	}, []string{"shared/license"}},
	// Requests for an account that is not there are carried out.
	{"an unseen account taken for granted", calls, []edit{
		{"if _, ok := found[account]; !ok {", "if _, ok := found[account]; !ok && c.Account == \"\" {"},
	}, []string{"shared/platform/call", "shared/license"}},

	// A crash between the two does the request twice.
	{
		"idempotency record in a commit of its own",
		calls,
		[]edit{
			{
				"	return c.commit(ctx, append(effects, op))\n",
				"	if len(effects) > 0 {\n		if err := c.Env.Table.Commit(ctx, effects); err != nil {\n			return err\n		}\n	}\n	return c.commit(ctx, []table.Operation{op})\n",
			},
		},
		[]string{"shared/platform/call", "shared/platform/api"},
	},
	// Two requests with one key that come at once are both carried out.
	{
		"idempotency record without a condition",
		calls,
		[]edit{
			{
				"	cond := table.IfAbsent\n	if c.key.version != 0 {",
				"	cond := table.Always\n	if c.key.version != 0 {",
			},
		},
		[]string{"shared/platform/call"},
	},
	// Another body under a used key gets the answer of the first.
	{"another body under the same key is answered", calls, []edit{
		{"if stored.Fingerprint != c.key.fingerprint {", "if stored.Fingerprint == \"\" {"},
	}, []string{"shared/platform/call"}},
	// A request of several commits is begun again while it runs.
	{"lease of a running request ignored", calls, []edit{
		{"if stored.Running > c.At.Unix() {", "if stored.Running < 0 {"},
	}, []string{"shared/platform/call"}},

	// A loser of a race wins it later, against a state that it never saw.
	{
		"refused condition tried again",
		dynamo,
		[]edit{
			{
				"	case len(failed.Failed) > 0:\n		return verdict{final, &failed}",
				"	case len(failed.Failed) > 0:\n		return verdict{cancelled, &failed}",
			},
		},
		[]string{"shared/platform/table/dynamo"},
	},
	// A commit whose answer was lost is carried out twice.
	{"lost answer repeated with a fresh token", dynamo, []edit{
		{"	if !unanswered {\n		r.renew()", "	if unanswered || !unanswered {\n		r.renew()"},
	}, []string{"shared/platform/table/dynamo"}},
	// A put that took effect is told as refused, for its own effect refuses the repetition.
	{"refusal after a lost answer told", dynamo, []edit{
		{"v.outcome == denied && unanswered:", "v.outcome == denied && attempt < 0:"},
	}, []string{"shared/platform/table/dynamo"}},
	// Two repetitions of one request are told two answers.
	{"answer told that may still change", "shared/platform/call/call.go", []edit{
		{"	stored.Running = 0\n", "	stored.Running++\n"},
	}, []string{"shared/platform/call"}},
	// A seat that was bought is never given to who waits, when the process died before it looked.
	{"list that stands still never looked at", "shared/license/drain.go", []edit{
		{"counts.Available(product) <= 0, err", "counts.Available(product) >= 0, err"},
	}, []string{"shared/license"}},
	// Days of wallboards are charged to whose they are now, or not at all.
	{"device that is gone not charged", "shared/metrics/service.go", []edit{
		{"			kept,\n", "			table.Check(kept.Item.Key, table.IfAbsent),\n"},
	}, []string{"shared/period"}},
	{"device charged to whose it is now", "shared/metrics/service.go", []edit{
		{"return append(ops, kept...), term, err", "return append(ops, kept[:0]...), term, err"},
	}, []string{"shared/period"}},
	{"cost center of a device's owner not kept", "shared/license/seats.go", []edit{
		{"	g.belonged(h)\n	g.record(", "	g.record("},
	}, []string{"shared/period"}},
	// Somebody has a license because of a file that gave it to somebody else.
	{"grant handed on with a license", "shared/license/extension.go", []edit{
		{"withGrant(taken.Grants, source, g.at)", "withGrant(taken.Grants, given.Grants[0].Source, g.at)"},
	}, []string{"shared/license"}},

	// A client reads from where it likes, in another account too.
	{"cursor not sealed", cursors, []edit{
		{"if !sealed {", "if !sealed && position == \"\" {"},
	}, []string{"shared/platform/api"}},
	{"cursor good for other accounts", cursors, []edit{
		{`[]byte(account + "\x00" + strings.Join(`, `[]byte(strings.Join(`},
	}, []string{"shared/platform/api"}},
	{"key that was rotated used for ever", "shared/platform/keyring/keyring.go", []edit{
		{"if now.Sub(r.at) < age || now.Sub(r.last) < Pause {", "if age > 0 {"},
	}, []string{"shared/platform/api"}},
	{
		"permission not asked for",
		permissions,
		[]edit{{"if len(anyOf) == 0 {", "if len(anyOf) >= 0 {"}},
		[]string{"shared/platform/auth"},
	},
	{
		"foreign account entered",
		permissions,
		[]edit{
			{
				`if account != "" && account != p.Account && !p.Operator() {`,
				`if account != "" && account != p.Account && p.Nobody() {`,
			},
		},
		[]string{"shared/platform/auth"},
	},

	// Cents are lost.
	{
		"rounding by floor",
		amounts,
		[]edit{{"if rest >= uint64(den)-rest {", "if rest >= uint64(den) {"}},
		[]string{"shared/craft/money"},
	},
	{
		"shares that do not add up",
		amounts,
		[]edit{{"for _, i := range order[:left] {", "for _, i := range order[:left/2] {"}},
		[]string{"shared/craft/money"},
	},
	{
		"proration off by a day",
		purchases,
		[]edit{
			{
				"func (p Period) DaysLeft() int { return daysBetween(p.Today, p.Next) }",
				"func (p Period) DaysLeft() int { return daysBetween(p.Today, p.Next) - 1 }",
			},
		},
		[]string{"shared/purchase"},
	},
	{
		"quote good for ever",
		purchases,
		[]edit{{"if !now.Before(q.ExpiresAt) {", "if now.IsZero() {"}},
		[]string{"shared/purchase"},
	},
	{
		"order not acknowledged",
		purchases,
		[]edit{{"	if !acknowledged {\n", "	if !acknowledged && q.OrderID != \"\" {\n"}},
		[]string{"shared/purchase"},
	},

	// Two workers apply one file at once.
	{
		"lease of a worker ignored",
		workers,
		[]edit{{"if j.lease.Held(s.env, now) {", "if j.lease.Until < 0 {"}},
		[]string{"shared/massconfig"},
	},
	// A file that ends whoever reads it is read for ever.
	{"attempts not counted", workers, []edit{{"	w.Job.Attempts++\n", ""}}, []string{"shared/massconfig"}},
	// An older version of a dropped file undoes the newer one.
	{"versions of a file without order", "shared/massconfig/drops.go", []edit{
		{"if object.Sequencer != \"\" && (", "if object.Sequencer == \"-\" && ("},
	}, []string{"shared/massconfig"}},
	// A worker that was overtaken goes on.
	{"overtaken worker not stopped", workers, []edit{
		{
			"return table.Check(w.jobs.names.JobKey(w.Call.Account, w.Job.ID), table.IfVersion(w.version))",
			"return table.Check(w.jobs.names.JobKey(w.Call.Account, w.Job.ID), table.IfPresent)",
		},
	}, []string{"shared/massconfig"}},
	// What somebody changed since an import was checked is overwritten by it.
	{"import over what changed since its check", "shared/imports/work.go", []edit{
		{"return !made && version == r.Version+int64(b.parts)", "return !made && version >= r.Version+int64(b.parts)"},
	}, []string{"shared/imports"}},
	// An import tells that it exists to somebody who may not read what it imports.
	{
		"imports shown to who may not read their kind",
		"shared/imports/service.go",
		[]edit{
			{
				"if !allows(ctx, of(Kind(j.Kind)).read) {",
				"if of(Kind(j.Kind)).read == \"\" {",
			},
		},
		[]string{"shared/imports"},
	},
	// An upload URL overwrites what was uploaded and checked.
	{
		"presigned upload may overwrite",
		"shared/platform/files/s3store/s3store.go",
		[]edit{{"		IfNoneMatch:   aws.String(\"*\"),\n", ""}},
		[]string{"shared/platform/files/s3store"},
	},
	// A view that is sent again counts again.
	{
		"view counted twice",
		"shared/usage/intake.go",
		[]edit{
			{
				"	return table.IfAbsent\n}\n\n// load reads",
				"	return table.Always\n}\n\n// load reads",
			},
		},
		[]string{"shared/usage"},
	},
	// Who is made active while their queue is settled gets no grant by it.
	{
		"settled by who was not active",
		"shared/directory/queues.go",
		[]edit{{"		ch.RequireUnchanged(user)\n", ""}},
		[]string{"shared/directory"},
	},
	// What is stored while a run reads is in no rollup.
	{
		"run that begins where the last one ended",
		"shared/usage/rules.go",
		[]edit{{"	overlap = time.Hour\n", "	overlap = 0\n"}},
		[]string{"shared/usage"},
	},
	// Who left before a day began is monitored on it, for the leave is carried out later.
	{
		"change looked for on its day alone",
		"shared/usage/aggregate.go",
		[]edit{{"p.days.Day(since.Add(-lateness))", "p.days.Day(since.Add(overlap))"}},
		[]string{"shared/usage"},
	},
	// Of two runs over one day one is lost.
	{
		"rollup turned over another run's",
		"shared/usage/leaves.go",
		[]edit{{"		cond = table.IfVersion(t.old.version)\n", "		cond = table.Always\n"}},
		[]string{"shared/usage"},
	},
	// An event that comes late is found by nobody.
	{
		"stored by the time of an event",
		"shared/platform/app/app.go",
		[]edit{{"	then.stored = e.Stored\n", ""}},
		[]string{"shared/usage"},
	},
	{
		"views taken in too late",
		"shared/usage/rules.go",
		[]edit{{"lateness = 48 * time.Hour", "lateness = 49 * time.Hour"}},
		[]string{"shared/usage"},
	},
	// A period is closed a second time, and the bill that was paid becomes another one.
	{
		"period closed twice",
		"shared/period/closing.go",
		[]edit{{
			"	put := table.Put(table.Item{Key: closedKey(c.Account, head.From), Data: data}, table.IfAbsent)\n",
			"	put := table.Put(table.Item{Key: closedKey(c.Account, head.From), Data: data}, table.Always)\n",
		}},
		[]string{"shared/period"},
	},
	// Whoever used something metered for a day too little pays too little for it.
	{
		"metered without its last day",
		"shared/period/rules.go",
		[]edit{{"		return t.Until.Add(-1)\n", "		return t.Until.Add(-24 * time.Hour)\n"}},
		[]string{"shared/period"},
	},
	// A cost center pays a whole month of a license that it has had since yesterday.
	{
		"moves count from the period's first day",
		"shared/period/rules.go",
		[]edit{{
			"		f.count(t, at(t.Parts, f.ends[day].Add(-1)), day)\n",
			"		f.count(t, at(t.Parts, f.ends[len(f.days)-1].Add(-1)), day)\n",
		}},
		[]string{"shared/period"},
	},
	// What is accepted after a period was closed is charged to nobody.
	{
		"late events not corrected",
		"shared/period/service.go",
		[]edit{{
			"	source.Corrections = append(source.Corrections, late...)\n",
			"	source.Corrections = append(source.Corrections, late[:0]...)\n",
		}},
		[]string{"shared/period"},
	},
	// People without a cost center are charged to none, though the account has one.
	{
		"the account's cost center left out",
		"shared/period/service.go",
		[]edit{{"	read.CostCenter = of.CostCenter\n", ""}},
		[]string{"shared/period"},
	},
	// The explanation of a bill does not add up to what it explains.
	{
		"a move explained on one side alone",
		"shared/period/explain.go",
		[]edit{{"			add(e.CostCenter, Moved, 1, day)\n", ""}},
		[]string{"shared/period"},
	},
	// A dry run takes the seat that it was only asked about.
	{
		"dry run with a commit",
		"shared/platform/api/foresee.go",
		[]edit{{"	dry := overlay.With(ctx, o)\n", "	dry := ctx\n"}},
		[]string{"infra/simulate"},
	},
	// A seat that somebody has used since is taken from them.
	{
		"reclaim of a seat in use",
		"shared/idle/work.go",
		[]edit{{
			"	case !since.Before(t.j.Cutoff):\n",
			"	case since.Before(t.j.Cutoff) && since.After(t.j.Cutoff):\n",
		}},
		[]string{"shared/idle"},
	},
	// Who has got a seat again loses it by an undo, or the undo stops before it.
	{
		"undo for who has a seat again",
		"shared/idle/work.go",
		[]edit{{
			"	case holder.Holds(t.j.ProductID):\n",
			"	case holder.Holds(t.j.ProductID) && !holder.Active:\n",
		}},
		[]string{"shared/idle"},
	},
	// An alert is told again each minute as long as its rule is broken.
	{
		"alert begun while it is open",
		"shared/alert/service.go",
		[]edit{
			{
				"	return s.commit(ctx, c, \"alert.began\", listed{a, table.IfAbsent}, table.Put(item, table.IfAbsent))\n",
				"	return s.commit(ctx, c, \"alert.began\", listed{a, table.IfAbsent}, table.Put(item, table.Always))\n",
			},
			{"		delete(wanted, a.Rule)\n", ""},
		},
		[]string{"shared/alert"},
	},
	// A file from before there was the column takes everybody out of their cost center.
	{
		"cost centers cleared by files without them",
		"shared/imports/users.go",
		[]edit{{"	if !r.keeps(fieldCostCenter) {\n", "	if len(r.Keeps) >= 0 {\n"}},
		[]string{"shared/imports"},
	},
	// A cost center to which people are charged is deleted, and nobody knows who pays.
	{
		"the account's cost center deleted",
		"shared/purchase/costcenter.go",
		[]edit{{"		if a.CostCenter == code {\n", "		if a.CostCenter == code && code == \"\" {\n"}},
		[]string{"shared/account"},
	},
	// An admin of some cost centers assigns the license of another.
	{
		"another's license assigned",
		"shared/license/limit.go",
		[]edit{{
			"	if err == nil && !g.theirs.Has(l.now.ChargedTo()) {\n", "	if err == nil && l.now.ID == \"\" {\n",
		}},
		[]string{"shared/platform/access"},
	},
	// They move a license to a cost center that is none of theirs.
	{
		"moved to another's cost center",
		"shared/license/limit.go",
		[]edit{{"	if code == \"\" || g.theirs.Has(code) {\n", "	if code != \"-\" {\n"}},
		[]string{"shared/platform/access"},
	},
	// Add-ons go onto a license that went to another cost center meanwhile.
	{
		"add-ons of a license that went away",
		seatCommit,
		[]edit{{
			"		if !written && l.now.ID == u.subject && l.exists {\n",
			"		if !written && l.now.ID == \"\" {\n",
		}},
		[]string{"shared/platform/access"},
	},
	// The summary tells them what the whole account has.
	{
		"summary of the whole account",
		"shared/license/inventory/theirs.go",
		[]edit{{"	if err != nil || theirs.All() {\n", "	if err != nil || theirs.All() || len(theirs.Codes()) > 0 {\n"}},
		[]string{"shared/platform/access"},
	},
	// A billing period shows them what others pay.
	{
		"others' lines of a period",
		"shared/period/theirs.go",
		[]edit{{"	return f.limitedTo(theirs)\n", "	return f, nil\n"}},
		[]string{"shared/platform/access"},
	},
	// A seat that they give is taken from another cost center, which then lacks it.
	{
		"seat chosen from another's",
		"shared/license/limit.go",
		[]edit{{"		return g.theirs\n", "		return auth.Limit{}\n"}},
		[]string{"infra/simulate"},
	},
	// Whose limit has just become narrower ends what they began in a cost center that was taken from them.
	{
		"limit not demanded by the commit",
		"shared/platform/access/access.go",
		[]edit{{
			"	if a.there && (g.caller.ByRoles || !a.limit.All()) {\n", "	if a.there && g.caller.ByRoles {\n",
		}},
		[]string{"infra/simulate"},
	},
	// A reclaim that they begin takes the seats of everybody.
	{
		"reclaim without the limit of who began it",
		"shared/idle/reclaim.go",
		[]edit{
			{"		Limit: theirs,\n	}\n", "	}\n	_ = theirs\n"},
			{"	if judged.theirs, err = access.CostCenters(ctx); err != nil {\n", "	if err != nil {\n"},
		},
		[]string{"infra/simulate"},
	},
	// Their list of who waits has people of other cost centers.
	{
		"others who wait listed",
		"shared/license/inventory/waiting.go",
		[]edit{{
			"func(w record.Wait) bool { return !theirs.Has(w.CostCenter) }",
			"func(w record.Wait) bool { return !theirs.Has(w.CostCenter) && w.UserID == \"\" }",
		}},
		[]string{"infra/simulate"},
	},
}
