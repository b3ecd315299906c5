/* Where nodes live: slabs of 64 KB with a free list each, so that neighbours in a graph stay neighbours in memory. */
#include "value.h"

/* AddressSanitizer knows nothing of slabs: under it a node that was given back is poisoned by hand. */
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#define HIDE(node) ASAN_POISON_MEMORY_REGION(node, sizeof(Value))
#define SHOW(node) ASAN_UNPOISON_MEMORY_REGION(node, sizeof(Value))
#else
#define HIDE(node) ((void)0)
#define SHOW(node) ((void)0)
#endif

#define SLAB_SIZE 65536
#define CHUNK_SLABS 8
#define RESERVE 32 /* empty chunks that are kept, 16 MB, for the next graph */

typedef struct Chunk {
    void *memory;
    int busy; /* slabs in which a node lives */
    struct Chunk *next, *previous;
} Chunk;

typedef struct Slab {
    Value *free;
    uint32_t used, fresh; /* nodes alive; nodes handed out since the slab was empty */
    Chunk *chunk;
    struct Slab *next, *previous; /* among the slabs with room */
    int listed;
} Slab;

#define FIRST_NODE 64
#define NODES_PER_SLAB ((SLAB_SIZE - FIRST_NODE) / sizeof(Value))

static Slab *current, *with_room;
static Chunk *chunks;
static int empty_chunks;

static inline Slab *slab_of(Value *node) { return (Slab *)((uintptr_t)node & ~(uintptr_t)(SLAB_SIZE - 1)); }

static void list(Slab *slab) {
    slab->listed = 1;
    slab->previous = NULL;
    slab->next = with_room;
    if (with_room != NULL)
        with_room->previous = slab;
    with_room = slab;
}

static void unlist(Slab *slab) {
    slab->listed = 0;
    if (slab->next != NULL)
        slab->next->previous = slab->previous;
    if (slab->previous != NULL)
        slab->previous->next = slab->next;
    else
        with_room = slab->next;
}

static Slab *nth_slab(const Chunk *chunk, int n) {
    return (Slab *)((((uintptr_t)chunk->memory + SLAB_SIZE - 1) & ~(uintptr_t)(SLAB_SIZE - 1)) + (size_t)n * SLAB_SIZE);
}

static int add_chunk(void) {
    Chunk *chunk = PyMem_RawMalloc(sizeof *chunk);
    void *memory = chunk ? PyMem_RawMalloc((CHUNK_SLABS + 1) * (size_t)SLAB_SIZE) : NULL;
    if (memory == NULL) {
        PyMem_RawFree(chunk);
        PyErr_NoMemory();
        return -1;
    }
    *chunk = (Chunk){.memory = memory, .next = chunks};
    if (chunks != NULL)
        chunks->previous = chunk;
    chunks = chunk;
    empty_chunks++;
    for (int i = CHUNK_SLABS; i-- > 0;) {
        Slab *slab = nth_slab(chunk, i);
        memset(slab, 0, sizeof *slab);
        slab->chunk = chunk;
        list(slab);
    }
    return 0;
}

static void free_chunk(Chunk *chunk) {
    empty_chunks--;
    for (int i = 0; i < CHUNK_SLABS; i++) {
        Slab *slab = nth_slab(chunk, i);
        if (slab->listed)
            unlist(slab);
        if (slab == current)
            current = NULL;
    }
    *(chunk->previous != NULL ? &chunk->previous->next : &chunks) = chunk->next;
    if (chunk->next != NULL)
        chunk->next->previous = chunk->previous;
    PyMem_RawFree(chunk->memory);
    PyMem_RawFree(chunk);
}

/* A node without parents yet, or NULL with a MemoryError. */
Value *new_block(double data, unsigned kind) {
    Value *node;
    for (;;) {
        Slab *slab = current;
        if (slab != NULL && slab->free != NULL) {
            node = slab->free;
            SHOW(node);
            slab->free = node->next;
            slab->used++;
            break;
        }
        if (slab != NULL && slab->fresh < NODES_PER_SLAB) {
            node = (Value *)((char *)slab + FIRST_NODE) + slab->fresh++;
            SHOW(node);
            memset(node, 0, sizeof(PyObject));
            Py_SET_TYPE((PyObject *)node, engine.type);
            if (slab->used++ == 0 && slab->chunk->busy++ == 0)
                empty_chunks--;
            break;
        }
        if (with_room == NULL && add_chunk() < 0)
            return NULL;
        current = with_room;
        unlist(current);
    }
    Py_SET_REFCNT((PyObject *)node, 1);
    node->data = data;
    node->grad = 0.0;
    node->left = NULL;
    node->meta = kind;
    return node;
}

void release(Value *node) {
    Slab *slab = slab_of(node);
    if (--slab->used != 0) {
        node->next = slab->free;
        slab->free = node;
        HIDE(node);
        if (!slab->listed && slab != current)
            list(slab);
        return;
    }
    HIDE(node);
    slab->free = NULL; /* from the first byte on again, in order */
    slab->fresh = 0;
    if (!slab->listed && slab != current)
        list(slab);
    if (--slab->chunk->busy == 0 && ++empty_chunks > RESERVE)
        free_chunk(slab->chunk);
}

Py_ssize_t nodes_alive(void) {
    Py_ssize_t count = 0;
    for (const Chunk *chunk = chunks; chunk != NULL; chunk = chunk->next)
        for (int i = 0; i < CHUNK_SLABS; i++)
            count += nth_slab(chunk, i)->used;
    return count;
}

static inline Value *drop(Value *node, Value *dying) {
    PyObject *object = (PyObject *)node;
    if (Py_REFCNT(object) > 1) {
        Py_SET_REFCNT(object, Py_REFCNT(object) - 1);
        return dying;
    }
    node->next = dying;
    return node;
}

static void forget_label(Value *node) {
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *key = PyLong_FromVoidPtr(node);
    if (key == NULL || PyDict_DelItem(engine.labels, key) < 0)
        PyErr_Clear();
    Py_XDECREF(key);
    PyErr_Restore(type, value, traceback);
}

/* A graph dies without recursion: nodes that nobody else holds wait in a list. */
void value_dealloc(PyObject *self) {
    Value *node = (Value *)self, *dying = NULL;
    for (;;) {
        Value *left = node->left, *right = node->right;
        General *general = node->general;
        Form form = form_of(node);
        if (node->meta & LABELLED)
            forget_label(node);
        release(node);
        if (form == GENERAL) {
            for (Py_ssize_t i = 0; i < general->count; i++)
                dying = drop(general->parents[i], dying);
            PyObject *operation = general->operation;
            PyMem_Free(general);
            Py_DECREF(operation); /* may run code of the user's: all is in order by now */
        } else if (form != LEAF) {
            dying = drop(left, dying);
            if (form == PAIR)
                dying = drop(right, dying);
        }
        if (dying == NULL)
            return;
        node = dying;
        dying = node->next;
    }
}
