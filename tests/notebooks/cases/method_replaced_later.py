# expect: pipeline.entangled 3
# when: run
# says: `one`

# %% functions
class Greeter:
    greeting = 'old'
    def greet(self):
        return self.greeting
# %% step:make
one = Greeter()
# %% step:change
Greeter.greeting = 'new'
# %% step:use
out = one.greet(), Greeter().greet()
