# make demo, make install.

demo: all
	@dist/demo

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man8 \
	    $(DESTDIR)$(PREFIX)/include/kipfw $(DESTDIR)$(PREFIX)/lib/kipfw
	install -m 755 $(BIN)/libnetmap-user.so $(BIN)/netmap-nic \
	    $(DESTDIR)$(PREFIX)/lib/kipfw
	install -m 755 $(BIN)/netmap-run $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(addprefix $(BIN)/,$(filter-out dnctl,$(PROGS))) \
	    $(DESTDIR)$(PREFIX)/bin
	ln -sf ipfw $(DESTDIR)$(PREFIX)/bin/dnctl
	install -m 644 $(wildcard man/*.8) $(DESTDIR)$(PREFIX)/share/man/man8
	install -m 644 $(wildcard include/*.h) $(DESTDIR)$(PREFIX)/include/kipfw

.PHONY: demo install
