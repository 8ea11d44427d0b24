//! What rdkafka has no safe call for: librdkafka's `DescribeCluster`, `DescribeTopics` and `DescribeConsumerGroups` with
//! authorized operations, and `CreateTopics` with the broker's own words about a refusal.
//!
//! References: `rdkafka.h` of librdkafka 2.12, sections "Admin API" and "Event interface": who frees what, and how long
//! a result lives (as long as its event).
#![allow(unsafe_code, reason = "librdkafka is C; nothing outside this file calls it directly")]

use std::ffi::{CStr, CString, c_char, c_int};
use std::marker::PhantomData;
use std::ptr::{self, NonNull};
use std::time::Duration;

use rdkafka::bindings as c;
use rdkafka::client::NativeClient;
use rdkafka::error::RDKafkaErrorCode as Code;

pub(super) use rdkafka::bindings::rd_kafka_AclOperation_t as Operation;

use crate::{Creation, Error};

/// Questions to a cluster, asked with a client that outlives them. Each is answered once, within the limit given here.
pub(super) struct Asking<'c> {
    client: NonNull<c::rd_kafka_t>,
    queue: Owned<c::rd_kafka_queue_t>,
    limit_ms: c_int,
    client_lives: PhantomData<&'c NativeClient>,
}

/// An answer to one question: to all of it, or for each name in it.
pub(super) enum Answer {
    Cluster(Result<About, Failure>),
    Topics(Result<Each<Partitions>, Failure>),
    Groups(Result<Each<Granted>, Failure>),
    Created(Result<Each<()>, Failure>),
}

pub(super) type Each<T> = Vec<(String, Result<T, Failure>)>;

pub(super) struct About {
    pub(super) id: String,
    pub(super) brokers: usize,
    pub(super) granted: Granted,
}

pub(super) struct Partitions {
    pub(super) count: usize,
    pub(super) granted: Granted,
}

#[derive(Clone)]
pub(super) struct Failure {
    pub(super) code: Code,
    /// The broker's words where it had some, else librdkafka's.
    pub(super) words: String,
}

/// The operations a user may do, one bit each. None at all says nothing: a broker sends that about the cluster to those
/// who may not ask (`KafkaApis`), and whoever sees a topic or a group may at least describe it.
#[derive(Clone, Copy)]
pub(super) struct Granted(u32);

impl Granted {
    pub(super) fn may(self, operation: Operation) -> Option<bool> {
        (self.0 != 0).then_some(self.0 & (1 << operation as u32) != 0)
    }
}

impl<'c> Asking<'c> {
    pub(super) fn new(client: &'c NativeClient, limit: Duration) -> Result<Asking<'c>, Error> {
        let client = NonNull::new(client.ptr()).ok_or_else(|| failed("no client"))?;
        // SAFETY: the client is alive; the queue is new, ours, and freed before the client, which is borrowed.
        let queue = unsafe { Owned::new(c::rd_kafka_queue_new(client.as_ptr()), c::rd_kafka_queue_destroy) }?;
        let limit_ms = c_int::try_from(limit.as_millis()).unwrap_or(LONGEST_MS).clamp(1, LONGEST_MS);
        Ok(Asking { client, queue, limit_ms, client_lives: PhantomData })
    }

    pub(super) fn cluster(&self) -> Result<(), Error> {
        let options = self.describing(c::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBECLUSTER)?;
        // SAFETY: client, options and queue are alive; the options are copied.
        unsafe { c::rd_kafka_DescribeCluster(self.client.as_ptr(), options.get(), self.queue.get()) };
        Ok(())
    }

    /// No name twice, and none empty.
    pub(super) fn topics(&self, names: &[CString]) -> Result<(), Error> {
        let options = self.describing(c::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS)?;
        let mut names = pointers(names);
        // SAFETY: the array holds `len` C strings that live until the end of this call, and are copied.
        let names = unsafe {
            let collection = c::rd_kafka_TopicCollection_of_topic_names(names.as_mut_ptr(), names.len());
            Owned::new(collection, c::rd_kafka_TopicCollection_destroy)
        }?;
        // SAFETY: client, collection, options and queue are alive; what is asked is copied.
        unsafe { c::rd_kafka_DescribeTopics(self.client.as_ptr(), names.get(), options.get(), self.queue.get()) };
        Ok(())
    }

    /// At least one name, and none twice.
    pub(super) fn groups(&self, names: &[CString]) -> Result<(), Error> {
        let options = self.describing(c::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS)?;
        let mut names = pointers(names);
        // SAFETY: client, options and queue are alive; the array holds `len` C strings, which are copied.
        unsafe {
            c::rd_kafka_DescribeConsumerGroups(
                self.client.as_ptr(),
                names.as_mut_ptr(),
                names.len(),
                options.get(),
                self.queue.get(),
            );
        }
        Ok(())
    }

    /// Has the broker check whether it would create these, and create nothing. At least one topic, and none twice.
    pub(super) fn creations(&self, topics: &[NewTopic]) -> Result<(), Error> {
        let options = self.options(c::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_CREATETOPICS)?;
        // SAFETY: the options are alive; librdkafka wants no room for words where it is told that there is none.
        let refused =
            unsafe { c::rd_kafka_AdminOptions_set_validate_only(options.get(), 1, ptr::null_mut(), 0) } as c_int;
        if refused != 0 {
            return Err(failed("librdkafka cannot check a creation"));
        }
        let mut topics: Vec<_> = topics.iter().map(|topic| topic.0.get()).collect();
        // SAFETY: client, options and queue are alive; the array holds `len` topics, which are copied.
        unsafe {
            c::rd_kafka_CreateTopics(
                self.client.as_ptr(),
                topics.as_mut_ptr(),
                topics.len(),
                options.get(),
                self.queue.get(),
            );
        }
        Ok(())
    }

    /// The next answer, if it comes within `wait`. Blocks.
    pub(super) fn next(&self, wait: Duration) -> Option<Answer> {
        let wait = c_int::try_from(wait.as_millis()).unwrap_or(LONGEST_MS);
        // SAFETY: the queue is alive; the event is ours to free.
        let event =
            unsafe { Owned::new(c::rd_kafka_queue_poll(self.queue.get(), wait), c::rd_kafka_event_destroy) }.ok()?;
        // SAFETY: the event is alive, and of the type that each branch takes it for.
        unsafe {
            match c::rd_kafka_event_type(event.get()) {
                c::RD_KAFKA_EVENT_DESCRIBECLUSTER_RESULT => Some(Answer::Cluster(done(&event).map(|()| about(&event)))),
                c::RD_KAFKA_EVENT_DESCRIBETOPICS_RESULT => Some(Answer::Topics(done(&event).map(|()| topics(&event)))),
                c::RD_KAFKA_EVENT_DESCRIBECONSUMERGROUPS_RESULT => {
                    Some(Answer::Groups(done(&event).map(|()| groups(&event))))
                }
                c::RD_KAFKA_EVENT_CREATETOPICS_RESULT => Some(Answer::Created(done(&event).map(|()| created(&event)))),
                _ => None,
            }
        }
    }

    fn describing(&self, what: c::rd_kafka_admin_op_t) -> Result<Owned<c::rd_kafka_AdminOptions_t>, Error> {
        let options = self.options(what)?;
        // SAFETY: the options are alive; an error is ours to free.
        let error = unsafe { c::rd_kafka_AdminOptions_set_include_authorized_operations(options.get(), 1) };
        if error.is_null() {
            return Ok(options);
        }
        // SAFETY: as above.
        drop(unsafe { Owned::new(error, c::rd_kafka_error_destroy) });
        Err(failed("librdkafka cannot ask for authorized operations"))
    }

    fn options(&self, what: c::rd_kafka_admin_op_t) -> Result<Owned<c::rd_kafka_AdminOptions_t>, Error> {
        // SAFETY: the client is alive; the options are new and ours.
        let options = unsafe {
            let options = c::rd_kafka_AdminOptions_new(self.client.as_ptr(), what);
            Owned::new(options, c::rd_kafka_AdminOptions_destroy)
        }?;
        // SAFETY: the options are alive; there is no room for words, and none is needed within the range of a time-out.
        let refused =
            unsafe { c::rd_kafka_AdminOptions_set_request_timeout(options.get(), self.limit_ms, ptr::null_mut(), 0) }
                as c_int;
        if refused == 0 { Ok(options) } else { Err(failed("librdkafka takes no such time-out")) }
    }
}

/// A topic that might be created.
pub(super) struct NewTopic(Owned<c::rd_kafka_NewTopic_t>);

impl NewTopic {
    /// `Err` holds librdkafka's words about a shape that no broker takes.
    pub(super) fn new(name: &CStr, shape: Creation) -> Result<NewTopic, String> {
        let mut words: [c_char; 256] = [0; 256];
        // SAFETY: the name is a C string and copied; the buffer is as long as is said, and ends in a zero.
        unsafe {
            let topic = c::rd_kafka_NewTopic_new(
                name.as_ptr(),
                shape.partitions,
                shape.replication,
                words.as_mut_ptr(),
                words.len(),
            );
            Owned::new(topic, c::rd_kafka_NewTopic_destroy).map(NewTopic).map_err(|_| text(words.as_ptr()))
        }
    }
}

/// Something of librdkafka's that is ours to free.
struct Owned<T> {
    at: NonNull<T>,
    free: unsafe extern "C" fn(*mut T),
}

impl<T> Owned<T> {
    /// # Safety
    /// `at` is null, or alive, nobody else's, and freed by `free`.
    unsafe fn new(at: *mut T, free: unsafe extern "C" fn(*mut T)) -> Result<Owned<T>, Error> {
        NonNull::new(at).map(|at| Owned { at, free }).ok_or_else(|| failed("librdkafka gave nothing"))
    }

    fn get(&self) -> *mut T {
        self.at.as_ptr()
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: promised to `new`; this runs once.
        unsafe { (self.free)(self.at.as_ptr()) }
    }
}

type Event = Owned<c::rd_kafka_event_t>;

// Codes come as numbers: a broker newer than librdkafka may send one that the binding's enum lacks.
unsafe extern "C" {
    fn rd_kafka_event_error(event: *mut c::rd_kafka_event_t) -> c_int;
    fn rd_kafka_error_code(error: *const c::rd_kafka_error_t) -> c_int;
    fn rd_kafka_topic_result_error(result: *const c::rd_kafka_topic_result_t) -> c_int;
}

fn done(event: &Event) -> Result<(), Failure> {
    // SAFETY: the event is alive, and its words as long as it.
    unsafe { outcome(rd_kafka_event_error(event.get()), || text(c::rd_kafka_event_error_string(event.get()))) }
}

/// # Safety
/// The event is an answer about the cluster, without an error.
unsafe fn about(event: &Event) -> About {
    // SAFETY: promised; everything is copied while the event is alive.
    unsafe {
        let result = c::rd_kafka_event_DescribeCluster_result(event.get());
        let mut brokers = 0;
        c::rd_kafka_DescribeCluster_result_nodes(result, &raw mut brokers);
        About {
            id: text(c::rd_kafka_DescribeCluster_result_cluster_id(result)),
            brokers,
            granted: granted(|count| c::rd_kafka_DescribeCluster_result_authorized_operations(result, count)),
        }
    }
}

/// # Safety
/// The event is an answer about topics, without an error.
unsafe fn topics(event: &Event) -> Each<Partitions> {
    // SAFETY: promised; everything is copied while the event is alive.
    unsafe {
        let result = c::rd_kafka_event_DescribeTopics_result(event.get());
        each(
            |count| c::rd_kafka_DescribeTopics_result_topics(result, count),
            |topic| {
                let found = fine(c::rd_kafka_TopicDescription_error(topic)).map(|()| {
                    let mut count = 0;
                    c::rd_kafka_TopicDescription_partitions(topic, &raw mut count);
                    let granted = granted(|count| c::rd_kafka_TopicDescription_authorized_operations(topic, count));
                    Partitions { count, granted }
                });
                (text(c::rd_kafka_TopicDescription_name(topic)), found)
            },
        )
    }
}

/// # Safety
/// The event is an answer about groups, without an error.
unsafe fn groups(event: &Event) -> Each<Granted> {
    // SAFETY: promised; everything is copied while the event is alive.
    unsafe {
        let result = c::rd_kafka_event_DescribeConsumerGroups_result(event.get());
        each(
            |count| c::rd_kafka_DescribeConsumerGroups_result_groups(result, count),
            |group| {
                let found = fine(c::rd_kafka_ConsumerGroupDescription_error(group)).map(|()| {
                    granted(|count| c::rd_kafka_ConsumerGroupDescription_authorized_operations(group, count))
                });
                (text(c::rd_kafka_ConsumerGroupDescription_group_id(group)), found)
            },
        )
    }
}

/// # Safety
/// The event is an answer about creations, without an error.
unsafe fn created(event: &Event) -> Each<()> {
    // SAFETY: promised; everything is copied while the event is alive.
    unsafe {
        let result = c::rd_kafka_event_CreateTopics_result(event.get());
        each(
            |count| c::rd_kafka_CreateTopics_result_topics(result, count),
            |topic| {
                let words = || text(c::rd_kafka_topic_result_error_string(topic));
                (text(c::rd_kafka_topic_result_name(topic)), outcome(rd_kafka_topic_result_error(topic), words))
            },
        )
    }
}

/// # Safety
/// `list` gives an array of as many pointers as it counts; `read` takes those that are not null.
unsafe fn each<T, R>(list: impl Fn(*mut usize) -> *mut *const T, read: impl Fn(*const T) -> R) -> Vec<R> {
    let mut count = 0;
    let array = list(&raw mut count);
    if array.is_null() {
        return Vec::new();
    }
    // SAFETY: promised.
    let pointers = unsafe { std::slice::from_raw_parts(array, count) };
    pointers.iter().filter(|at| !at.is_null()).map(|&at| read(at)).collect()
}

/// # Safety
/// `list` gives null, or an array of as many operations as it counts.
unsafe fn granted(list: impl Fn(*mut usize) -> *const Operation) -> Granted {
    let mut count = 0;
    let array = list(&raw mut count);
    if array.is_null() {
        return Granted(0);
    }
    // SAFETY: promised. Read as numbers, for they come from the broker.
    let operations = unsafe { std::slice::from_raw_parts(array.cast::<u32>(), count) };
    Granted(operations.iter().filter_map(|&operation| 1_u32.checked_shl(operation)).fold(0, |all, bit| all | bit))
}

/// # Safety
/// `error` is null or alive.
unsafe fn fine(error: *const c::rd_kafka_error_t) -> Result<(), Failure> {
    if error.is_null() {
        return Ok(());
    }
    // SAFETY: promised, and its words live as long as it.
    unsafe { outcome(rd_kafka_error_code(error), || text(c::rd_kafka_error_string(error))) }
}

fn outcome(code: c_int, words: impl FnOnce() -> String) -> Result<(), Failure> {
    match code {
        0 => Ok(()),
        code => Err(Failure {
            code: c::rd_kafka_resp_err_t::try_from(code).map_or(Code::Unknown, Code::from),
            words: words(),
        }),
    }
}

/// # Safety
/// `at` is null or a C string.
unsafe fn text(at: *const c_char) -> String {
    if at.is_null() {
        return String::new();
    }
    // SAFETY: promised.
    unsafe { CStr::from_ptr(at) }.to_string_lossy().into_owned()
}

fn pointers(names: &[CString]) -> Vec<*const c_char> {
    names.iter().map(|name| name.as_ptr()).collect()
}

fn failed(reason: &str) -> Error {
    Error::Client { reason: reason.to_owned() }
}

// librdkafka's own bound for an admin request.
const LONGEST_MS: c_int = 3_600_000;
